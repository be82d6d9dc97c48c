import SluiceCore
import SluiceLog

/// What a shard does with the body of a request: decode, validate, write the canonical line into the open
/// block. Framing, routing, the log and the answer's head are left out.
///
/// Owner: one thread.
final class SluicePass {
    /// A shard hands its block over at this size; here it is emptied.
    private static let blockBytes = 256 << 10

    private let decoder: any PlatformDecoder
    private let block = OpenBlock(capacity: 2 << 20)
    private var answer = PlatformAnswer()
    private let request: CoreRequest
    private var bodies = ByteBuffer(capacity: 64 << 10)
    private var ranges: [Range<Int>] = []

    /// - Parameter deduplicates: whether each event's fingerprint also goes into a table of eight million.
    init(_ request: CoreRequest, deduplicates: Bool) {
        self.request = request
        let deduplicator = deduplicates ? FreshFingerprints() : nil
        switch request.platform {
        case .native, .webhook: decoder = NativeDecoder(deduplicator: deduplicator)
        case .topsort: decoder = TopsortDecoder(deduplicator: deduplicator)
        case .gowit: decoder = GowitDecoder(deduplicator: deduplicator)
        case .vtex: decoder = VtexDecoder(directory: nil, deduplicator: deduplicator)
        case .kevel: decoder = KevelDecoder()
        case .impact: decoder = ImpactDecoder()
        }
        for body in request.bodies {
            let start = bodies.count
            bodies.append(body)
            ranges.append(start..<bodies.count)
        }
        block.reset(ticket: 1)
    }

    /// Decodes so many requests of one event each. Traps if one is not accepted.
    func run(events: Int) {
        let origin = RequestOrigin(
            receivedMilliseconds: 1_767_348_000_456, sourceName: Bytes("shop-web"), sourceHash: 42)
        var accepted = 0
        for number in 0..<events {
            answer.reset()
            let platformRequest = PlatformRequest(
                method: .post, path: Bytes(request.path), query: Bytes(request.query),
                contentType: Bytes(request.contentType), body: bodies.bytes[ranges[number % ranges.count]],
                origin: origin)
            accepted += decoder.decode(platformRequest, into: block, answer: &answer).accepted
            if block.payload.count >= SluicePass.blockBytes { block.reset(ticket: 1) }
        }
        let words = answer.body.bytes.string
        precondition(accepted == events, "\(request.name): \(answer.status) \(words)")
    }
}

/// Puts fingerprints into a table as a shard does, each time another one: the same few bodies come again and
/// again, and are to count as new.
private final class FreshFingerprints: Deduplicator {
    private let table = FingerprintTable(events: 8_000_000, ageMilliseconds: 24 * 3_600_000)!
    private var allowance = FingerprintAllowance()
    private var salt: UInt64 = 0

    func isDuplicate(fingerprint: UInt64) -> Bool {
        salt &+= 0x9E37_79B9_7F4A_7C15
        return table.insert(fingerprint ^ salt, &allowance) != nil
    }

    func takeBack(fingerprint: UInt64) { table.withdraw(fingerprint) }
}
