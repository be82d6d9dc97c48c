import SluiceCore
import SluiceSimulator
import Testing

@Suite struct TrafficEventTests {
    private static let id = TraceID(high: 0x0123_4567_89AB_4DEF, low: 0x8000_0000_0000_00FE)

    @Test func `a line is read back`() {
        let event = TrafficEvent(
            id: Self.id, type: .purchase, form: .gowitSDK, items: 3,
            fates: TrafficFates(
                topsort: .refused, gowit: .delivered, vtex: .refused, kevel: .filtered, impact: .delivered))
        #expect(TrafficEvent(line: event.line) == event)
        #expect(TrafficEvent(line: String(event.line.dropLast(4))) == nil)
        #expect(TrafficEvent(line: event.line.replacing(",filtered", with: "")) == nil)
    }

    @Test func `everything that a platform knows an event by follows from its id`() {
        func event(_ type: EventType, items: Int = 0) -> TrafficEvent {
            TrafficEvent(id: Self.id, type: type, form: .native, items: items, fates: TrafficFates())
        }
        #expect(event(.click).gowitTraces == ["s-123456789ab4def/\(Self.id)/click"])
        #expect(event(.viewableImpression).vtexTraces == ["/v1/beacon/view/\(Self.id)"])
        let order = event(.purchase, items: 2)
        #expect(order.vtexTraces == ["\(Self.id)"])
        #expect(order.kevelTraces.count == 2 && Set(order.kevelTraces).count == 2)
        let sale = TrafficEvent(id: Self.id, type: .purchase, form: .gowit, items: 1, fates: TrafficFates())
        #expect(sale.kevelTraces == ["/" + TrafficEvent.product(of: Self.id, item: 0)])
        #expect(order.gowitTraces.count == 2 && event(.click).kevelTraces == [])
    }

    @Test func `siblings share a session and bear the generator's marks`() {
        let siblings = (0..<5).map { Self.id.sibling($0) }
        #expect(Set(siblings).count == 5 && siblings[0] == Self.id)
        #expect(siblings.allSatisfy { $0.isGenerated })
        #expect(Set(siblings.map { TrafficEvent.session(of: $0) }).count == 1)
        #expect(TraceID("01890a5d-ac96-774b-bcce-b302099a8057")?.isGenerated == false)
    }
}
