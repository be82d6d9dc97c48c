import SluiceCore
import SluiceDelivery

/// One request per mark of an event's user, in the manner of a platform that takes items one by one:
/// the user `a,b,c` makes three parts whose bodies are `<id> a`, `<id> b` and `<id> c`.
final class PartsEncoder: PlatformEncoder {
    let eventsPerRequestMax = 1
    private var id = ""
    private var marks: [String] = []

    func takes(type: EventType, network: Bytes) -> Bool { true }

    func begin(now milliseconds: Int64) { marks = [] }

    func add(_ event: Bytes) -> EncodeResult {
        id = EventSummary(event)!.id.string
        let text = event.string
        let user = text.split(separator: #""user":{"id":""#, maxSplits: 1)[1].prefix { $0 != "\"" }
        marks = user.split(separator: ",").map(String.init)
        return .added
    }

    var partCount: Int { marks.count }

    func finish(part: Int, into request: inout OutgoingRequest) {
        request.contentType = "text/plain"
        request.path.append("/parts")
        request.body.append("\(id) \(marks[part])")
    }

    func classify(_ answer: UpstreamAnswer, eventCount: Int) -> Verdict {
        let words = String(decoding: answer.body, as: UTF8.self)
        switch answer.status {
        case 200: return .delivered
        case 204: return .deliveredNoting(answer.header("kevel-debug") ?? "nothing was said")
        case 500...599: return .retry(afterSeconds: nil, reason: words)
        default: return .rejected(reason: words)
        }
    }
}
