import SluiceCore
import SluiceLog
import SluiceServer
import Synchronization
import Testing

@Suite struct ReceiptEndpointTests {
    private func event(_ id: String, price: String = "12.50") -> TracedEvent {
        var receipt = EventReceipt()
        receipt.id = id
        receipt.type = "purchase"
        receipt.sequence = "7.1"
        var rejected = DestinationReceipt(destination: "hook", outcome: .rejected)
        rejected.status = 422
        rejected.reason = "no \"thing\""
        rejected.attempts = 1
        receipt.destinations = [rejected, DestinationReceipt(destination: "late", outcome: .notDue)]
        return TracedEvent(
            receipt: receipt, line: Array(#"{"id":"\#(id)","event":{"x":[1,{}]},"price":\#(price)}"#.utf8))
    }

    @Test func theEventStandsInTheAnswerAsItIsInTheLog() throws {
        let events = [event("b", price: "0.10000000000000000001"), event("a")]
        let text = ReceiptJSON.encode(events)
        #expect(
            text.hasPrefix(
                #"[{"event":{"id":"b","event":{"x":[1,{}]},"price":0.10000000000000000001},"destinations":[{"#))
        #expect(text.contains(#""outcome":"not_due""#))
        #expect(ReceiptJSON.decode(Array(text.utf8)) == events)
        #expect(ReceiptJSON.encode([]) == "[]" && ReceiptJSON.decode(Array("[]".utf8)) == [])
        #expect(ReceiptJSON.decode(Array("{}".utf8)) == nil)
    }

    @Test func theIdIsDecodedAndTheQueryRead() {
        let asked = Mutex<[EventQuery]>([])
        let found = event("a")
        let endpoint = ReceiptEndpoint { query in
            asked.withLock { $0.append(query) }
            return [found]
        }
        #expect(endpoint.answer(id: "s%C3%B8k%2F1+2", query: "") == .found(ReceiptJSON.encode([found])))
        _ = endpoint.answer(id: "x", query: "limit=5&type=page_view")
        #expect(
            asked.withLock { $0 } == [
                EventQuery(id: Array("søk/1+2".utf8), limit: 20),
                EventQuery(id: Array("x".utf8), type: .pageView, limit: 5),
            ])
    }

    @Test(arguments: [
        ("", ""), ("%zz", ""), ("x", "limit=0"), ("x", "limit=1001"), ("x", "limit=a"), ("x", "type=visit"),
        ("x", "other=1"), ("x", "type=%"),
    ])
    func whatIsWrongIsRefused(_ id: String, _ query: String) {
        let endpoint = ReceiptEndpoint { _ in [] }
        guard case .refused(400, "bad_request", _) = endpoint.answer(id: id, query: query) else {
            Issue.record("taken: \(id) \(query)")
            return
        }
    }

    @Test func anUnknownIdAndAnUnreadableLogAreToldApart() {
        let unknown = ReceiptEndpoint { _ in [] }
        #expect(
            unknown.answer(id: "x", query: "")
                == .refused(
                    status: 404, code: "not_found",
                    message: "no event in the log has this id, or this session, order or user"))
        let unreadable = ReceiptEndpoint { (_) throws(LogError) in throw .busy(path: "/p") }
        guard case .refused(503, "unavailable", _) = unreadable.answer(id: "x", query: "") else {
            Issue.record("not 503")
            return
        }
    }
}
