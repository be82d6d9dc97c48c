import SluiceCore
import SluiceDelivery

/// Which platform's events reach which other platform, found by sending the examples through the real
/// decoders, rules and encoders.
package final class PlatformTable {
    /// What becomes of an event at a destination without rules of its own.
    package enum Fate: Equatable, Sendable {
        case sent
        /// Never sent: fields it lacks, or why it cannot be sent.
        case rejected(String)
        case filtered

        package var text: String {
            switch self {
            case .sent: "sent"
            case .rejected(let reason): "rejected: \(reason)"
            case .filtered: "-"
            }
        }
    }

    /// The outbound platforms, in the order of the columns.
    package static let columns: [Platform] = [.topsort, .gowit, .vtex, .kevel, .impact, .webhook]
    private static let receivedMilliseconds: Int64 = 1_767_323_045_678

    private let decoders: DecoderTable

    package init() { decoders = DecoderTable(directory: SourceResolver(SourceTable([])), deduplicator: nil) }

    /// What the example becomes in the log.
    package func line(of example: PlatformExample) -> [UInt8]? {
        let target = Array(example.target.utf8)
        let block = OpenBlock(capacity: 64 << 10)
        var answer = PlatformAnswer()
        let result = target.withBytes { target in
            Array(example.contentType.utf8).withBytes { type in
                Array(example.body.utf8).withBytes { body in
                    let end = target.firstIndex(of: UInt8(ascii: "?")) ?? target.count
                    let path = target[0..<end]
                    guard case .platform(let platform, let offset, _) = Route.find(path) else { return DecodeResult() }
                    let request = PlatformRequest(
                        method: example.method == "GET" ? .get : .post, path: path[offset..<path.count],
                        query: end < target.count ? target[end + 1..<target.count] : .empty, contentType: type,
                        body: body,
                        origin: RequestOrigin(
                            receivedMilliseconds: PlatformTable.receivedMilliseconds, sourceName: Bytes("shop-web"),
                            sourceHash: 1))
                    return decoders[platform].decode(request, into: block, answer: &answer)
                }
            }
        }
        guard result.accepted == 1, answer.status == example.status else { return nil }
        let bytes = block.payload.bytes
        return (0..<bytes.count - 1).map { bytes[$0] }
    }

    /// What becomes of a canonical event at a platform's destination.
    package func fate(of line: [UInt8], at platform: Platform) -> Fate {
        var settings = DestinationSettings(
            name: "\(platform.name)", platform: platform,
            url: WebAddress(scheme: "https", host: "upstream.example", path: ""))
        settings.marketplaceID = "m-1"
        settings.publisherID = "pub-1"
        settings.networkID = "123"
        settings.accountSID = "IRsid1"
        settings.campaignID = 1000
        settings.eventTypeID = 9876
        let encoder = Encoders.make(for: settings)
        let matcher = RuleMatcher(DeliveryRules(), platform: platform)
        return line.withBytes { line in
            guard let summary = EventSummary(line) else { return .rejected("no event") }
            guard matcher.admits(summary, platformTakes: { encoder.takes(type: $0, network: $1) }) else {
                return .filtered
            }
            encoder.begin(now: PlatformTable.receivedMilliseconds)
            switch encoder.add(line) {
            case .added: return .sent
            case .full: return .rejected("it is too large")
            case .missing(let fields): return .rejected(fields.joined(separator: ", "))
            case .unfit(let reason): return .rejected(reason)
            }
        }
    }

    /// The tables as Markdown, one for each kind of event. Nil when an example is refused.
    package func markdown() -> String? {
        var text = ""
        for kind in PlatformExample.Kind.allCases {
            text +=
                "\n### \(kind.rawValue)\n\n| from | "
                + PlatformTable.columns.map { "\($0.name)" }.joined(separator: " | ")
            text += " |\n|" + String(repeating: " --- |", count: PlatformTable.columns.count + 1) + "\n"
            for example in PlatformExample.all where example.kind == kind {
                guard let line = line(of: example) else { return nil }
                let from =
                    example.title.isEmpty ? "\(example.platform.name)" : "\(example.platform.name), \(example.title)"
                let cells = PlatformTable.columns.map { fate(of: line, at: $0).text }
                text += "| \(from) | " + cells.joined(separator: " | ") + " |\n"
            }
        }
        return text
    }
}
