import Foundation
import Testing

@testable import SluiceCore

/// A decoder with everything it needs, and the block it fills. Every id it makes is the same in
/// every run.
final class DecoderHarness {
    /// 2026-01-02T03:04:05.678Z
    static let now: Int64 = 1_767_323_045_678

    let decoder: any PlatformDecoder
    let block = OpenBlock(capacity: 4_096)
    private var answer = PlatformAnswer()

    init(_ decoder: any PlatformDecoder) { self.decoder = decoder }

    static func native(_ deduplicator: (any Deduplicator)? = nil) -> DecoderHarness {
        DecoderHarness(NativeDecoder(deduplicator: deduplicator, identifiers: UUIDv7Generator(seed: 1)))
    }

    static func topsort(_ deduplicator: (any Deduplicator)? = nil) -> DecoderHarness {
        DecoderHarness(TopsortDecoder(deduplicator: deduplicator, identifiers: UUIDv7Generator(seed: 1)))
    }

    struct Outcome {
        var status: Int
        var answer: String
        var answerBytes: [UInt8]
        var contentType: PlatformAnswer.ContentType
        var noStore: Bool
        var extraLine: String
        /// Lines appended by this request.
        var lines: [String]
        var result: DecodeResult
    }

    /// Sends one request to the decoder and checks what must hold for each.
    @discardableResult
    func send(
        _ body: [UInt8], method: RequestMethod = .post, path: String? = nil, query: String = "",
        contentType: String = "application/json", userAgent: String = "", referrer: String = "",
        address: String = "", hasQuery: Bool? = nil
    ) -> Outcome {
        let before = block.payload.count
        let eventsBefore = block.eventCount
        let path = path ?? (decoder is TopsortDecoder ? "/v2/events" : "/events")
        // Exact copies, so that a sanitizer sees a read beyond any of them.
        let result = [path, query, contentType, userAgent, referrer, address].withAllBytes { parts in
            body.withBytes { body in
                var request = PlatformRequest(
                    method: method, path: parts[0], query: parts[1], contentType: parts[2], body: body,
                    origin: RequestOrigin(
                        receivedMilliseconds: DecoderHarness.now, sourceName: Bytes("shop"),
                        sourceHash: 42, userAgent: parts[3], referrer: parts[4], address: parts[5]))
                if let hasQuery { request.hasQuery = hasQuery }
                return decoder.decode(request, into: block, answer: &answer)
            }
        }
        let added = block.payload.bytes[before..<block.payload.count].string
        let lines = added.split(separator: "\n").map(String.init)
        #expect(lines.count == block.eventCount - eventsBefore)
        #expect(lines.count == result.accepted)
        #expect(added.isEmpty || added.hasSuffix("\n"))
        return Outcome(
            status: answer.status, answer: answer.body.bytes.string, answerBytes: answer.body.bytes.array,
            contentType: answer.contentType, noStore: answer.noStore,
            extraLine: "\(answer.extraLine)", lines: lines, result: result)
    }

    @discardableResult
    func send(
        _ body: String, method: RequestMethod = .post, path: String? = nil, query: String = "",
        contentType: String = "application/json", hasQuery: Bool? = nil
    ) -> Outcome {
        send(
            Array(body.utf8), method: method, path: path, query: query, contentType: contentType, hasQuery: hasQuery)
    }

    func pixel(_ query: String) -> Outcome {
        send([], method: .get, path: "/pixel.gif", query: query, contentType: "")
    }
}

extension Array where Element == String {
    /// Lends all strings' UTF-8 at once.
    func withAllBytes<R>(_ body: ([Bytes]) -> R) -> R {
        func lend(_ rest: ArraySlice<String>, _ lent: [Bytes]) -> R {
            guard let first = rest.first else { return body(lent) }
            return Array<UInt8>(first.utf8).withBytes { lend(rest.dropFirst(), lent + [$0]) }
        }
        return lend(self[...], [])
    }
}

/// JSON as Foundation reads it, for comparison.
func foundation(_ json: String) -> NSObject? {
    try? JSONSerialization.jsonObject(with: Data(json.utf8), options: [.fragmentsAllowed]) as? NSObject
}

/// A member by its dotted path; numbers are indices.
func member(_ json: String, _ path: String) -> Any? {
    var value: Any? = foundation(json)
    for part in path.split(separator: ".") {
        if let index = Int(part), let list = value as? [Any] {
            value = index < list.count ? list[index] : nil
        } else {
            value = (value as? [String: Any])?[String(part)]
        }
    }
    return value
}

func text(_ json: String, _ path: String) -> String? { member(json, path) as? String }

/// Remembers fingerprints in a set.
final class SetDeduplicator: Deduplicator {
    var seen: Set<UInt64> = []
    func isDuplicate(fingerprint: UInt64) -> Bool { !seen.insert(fingerprint).inserted }
    func takeBack(fingerprint: UInt64) { seen.remove(fingerprint) }
}

/// A small generator with a seed that a failing test prints.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
