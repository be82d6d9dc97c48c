import SluiceCore
import Synchronization
import Testing

@testable import SluiceLog

@Suite struct EventSearchTests {
    /// A canonical line with its filter, as a shard writes it.
    private func add(
        _ id: String, type: String = "click", session: String = "s", user: String = #"{"id":"u"}"#,
        order: String? = nil, keys: [String] = [], to block: OpenBlock
    ) {
        var line =
            #"{"id":"\#(id)","type":"\#(type)","received_at":"2026-01-02T03:04:05.678Z","source":"shop","#
            + #""platform":"native","session_id":"\#(session)","user":\#(user)"#
        if let order { line += #","order":{"id":"\#(order)"}"# }
        block.payload.append(line + "}\n")
        for key in [id, session] + (order.map { [$0] } ?? []) + keys { block.filterHashes.append(idHash(key)) }
        block.finishEvent(receivedMilliseconds: 1_767_323_045_678)
    }

    private func block(_ fill: (OpenBlock) -> Void) -> OpenBlock {
        let block = OpenBlock(capacity: 1024)
        block.reset(ticket: 1)
        fill(block)
        return block
    }

    private func rig(_ blocks: [OpenBlock], segmentBytes: Int = 1 << 30) throws -> LogRig {
        var configuration = LogConfiguration()
        configuration.segmentBytes = segmentBytes
        let rig = try LogRig(configuration: configuration)
        rig.start()
        for block in blocks {
            #expect(rig.channels[0].submit(block))
            _ = rig.waitReturned()
        }
        return rig
    }

    private func sequences(_ search: EventSearch, _ id: String, type: EventType? = nil, limit: Int = 20) throws
        -> [String]
    {
        try search.find(EventQuery(id: Array(id.utf8), type: type, limit: limit)).map(\.sequence.description)
    }

    @Test func everyFieldThatNamesSomethingIsFoundAndNothingElse() throws {
        let rig = try rig([
            block { block in
                add("e-1", to: block)
                add("e-2", session: "e-1", to: block)
                add("e-3", user: #"{"id":"u","keys":["k1","e-1"]}"#, keys: ["k1", "e-1"], to: block)
            },
            block { block in
                add("e-4", user: #"{"id":"u","customer_id":"e-1"}"#, keys: ["e-1"], to: block)
                add("e-5", type: "purchase", order: "e-1", to: block)
                // The text alone is not enough.
                add("xe-1", user: #"{"id":"u","region":"e-1"}"#, to: block)
            },
        ])
        defer { rig.stop() }
        let search = rig.log.makeSearch()
        #expect(try sequences(search, "e-1") == ["2.1", "2.0", "1.2", "1.1", "1.0"])
        #expect(try sequences(search, "e-1", limit: 2) == ["2.1", "2.0"])
        #expect(try sequences(search, "e-1", type: .purchase) == ["2.1"])
        #expect(try sequences(search, "e") == [])
        #expect(try sequences(search, "") == [])
        let found = try search.find(EventQuery(id: Array("e-4".utf8)))
        #expect(found.map(\.eventNumber) == [3])
        #expect(String(decoding: found[0].line, as: UTF8.self).hasSuffix(#""customer_id":"e-1"}}"#))
    }

    @Test func idsWithEscapesAndOtherLettersWork() throws {
        let ids = ["søk/🛒", "a\"b\\c", "tab\tend", "é"]
        let written = [#"søk\/🛒"#, #"a\"b\\c"#, #"tab\tend"#, #"\u00e9"#]
        let rig = try rig([
            block { block in
                for (id, text) in zip(ids, written) { add(text, keys: [id], to: block) }
            }
        ])
        defer { rig.stop() }
        let search = rig.log.makeSearch()
        for (index, id) in ids.enumerated() { #expect(try sequences(search, id) == ["1.\(index)"]) }
        #expect(try sequences(search, written[1]) == [])
    }

    /// A question that meets damage has it put into quarantine, once; without a gateway it is only told of.
    @Test(arguments: [DiskFailureTests.Rot.payload, .treePage])
    func damageThatIsFoundIsNoted(_ rot: DiskFailureTests.Rot) throws {
        let folder = try DamagedLog.make()
        let data = folder.file("data")
        try DamagedLog.apply(rot, to: DataFolder(data).segment(firstBlock: 4))
        let beside = EventSearch(folder: data)
        let missing = { (search: EventSearch) in
            for block in 4...6 {
                for index in [0, 39] {
                    let id = "\(block)-\(index)-" + String(repeating: "x", count: 60)
                    _ = try search.find(EventQuery(id: Array(id.utf8)))
                }
            }
        }
        try missing(beside)
        #expect(!FileCalls.exists(folder.file("data/state.sqlite")))
        let log = try EventLog.open(folder: data)
        defer { log.close() }
        let rings = Atomic<Int>(0)
        log.stateBell.attach { rings.add(1, ordering: .relaxed) }
        #expect(log.quarantine.blocks.isEmpty)
        try missing(log.makeSearch())
        eventually({ !log.quarantine.blocks.isEmpty })
        log.scout.close()
        let found = log.quarantine.blocks
        #expect(found.allSatisfy { $0.firstBlock >= 4 && $0.lastBlock <= 6 && $0.segment == "000000000004.sqlite" })
        #expect(rings.load(ordering: .relaxed) == found.count)
        let state = try log.makeDeliveryState()
        #expect(state.hasNews)
        _ = try state.upkeep()
        try missing(log.makeSearch())
        #expect(log.quarantine.blocks == found && !state.hasNews)
    }

    @Test func olderSegmentsAreSearchedBesideAGatewayAndWithout() throws {
        let folder = TemporaryFolder()
        var configuration = LogConfiguration()
        configuration.segmentBytes = 40_000
        configuration.compression = .none
        let rig = try LogRig(folder: folder, configuration: configuration)
        rig.start()
        for number in 0..<30 {
            let block = block { block in
                add("e-\(number)", session: number % 10 == 0 ? "ten" : "s", to: block)
                add("pad-\(number)", user: #"{"id":"\#(String(repeating: "x", count: 4000))"}"#, to: block)
            }
            #expect(rig.channels[0].submit(block))
            _ = rig.waitReturned()
        }
        #expect(rig.log.segmentCount > 2)
        #expect(try sequences(rig.log.makeSearch(), "ten") == ["21.0", "11.0", "1.0"])
        let beside = EventSearch(folder: folder.file("data"))
        #expect(try sequences(beside, "ten") == ["21.0", "11.0", "1.0"])
        rig.stop()
        #expect(try sequences(beside, "e-0") == ["1.0"])
        #expect(try sequences(beside, "ten", limit: 1) == ["21.0"])
        // What cannot be read is passed over.
        let first = DataFolder(folder.file("data")).segment(firstBlock: 1)
        try runProgram(["sh", "-c", "printf 'nonsense' > \(first)"])
        #expect(try sequences(beside, "ten") == ["21.0", "11.0"])
    }
}
