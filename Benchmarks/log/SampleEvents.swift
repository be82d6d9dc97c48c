import SluiceCore
import SluiceLog

/// Canonical impressions as a shard writes them for 400-byte Topsort requests, each with ids of its own,
/// received when the program started.
struct SampleEvents {
    /// Where the last twelve digits of an event's id stand in its line.
    private static let idStart = "{\"id\":\"3f2b8a1e-8a6e-4a2f-9b3c-".utf8.count
    private static let idDigits = 12

    /// Four thousand lines, line feeds included: more than any block's compressor looks back over.
    static let lines: [String] = {
        var random = SplitMix64(seed: 7)
        let now = LogClock.system.wallMilliseconds()
        return (0..<Int64(4096)).map { number in
            """
            {"id":"3f2b8a1e-8a6e-4a2f-9b3c-\(digits(&random))","type":"impression",\
            "occurred_at":"\(timestamp(now - 2000 + number / 8))",\
            "received_at":"\(timestamp(now - 1000 + number / 8))","source":"shop-web",\
            "platform":"topsort","network":"topsort","user":{"id":"71303ce0-de89-496d-8270-\(digits(&random))"},\
            "ad":{"id":"WyJiX01mazE1IiwiMTJhNTU4MjgtOGVhZC00Mjk5LTgzMjct\(digits(&random))"},\
            "placement":{"path":"/categories/\(random.next() % 300)","position":\(1 + random.next() % 40),"page":1,\
            "page_size":24},"context":{"device_type":"mobile","channel":"onsite"}}\u{0A}
            """
        }
    }()

    private static func timestamp(_ milliseconds: Int64) -> String {
        var text = ByteBuffer(capacity: 32)
        text.appendTimestamp(milliseconds)
        return text.bytes.string
    }

    private static func digits(_ random: inout SplitMix64) -> String {
        let text = String(random.next() >> 16, radix: 16)
        return String(repeating: "0", count: 12 - text.count) + text
    }

    private var bytes: [[UInt8]] = SampleEvents.lines.map { Array($0.utf8) }
    private var random = SplitMix64(seed: 11)
    private var next = 0

    /// Appends one event, with an id that nothing else has, and what the block keeps about it.
    mutating func append(to block: OpenBlock, receivedMilliseconds: Int64) {
        let id = random.next()
        for digit in 0..<SampleEvents.idDigits {
            let value = UInt8(truncatingIfNeeded: id >> (4 * UInt64(digit)) & 15)
            bytes[next][SampleEvents.idStart + digit] = value < 10 ? 0x30 + value : 0x57 + value
        }
        bytes[next].withBytes { block.payload.append($0) }
        next = (next + 1) % bytes.count
        // As many as such an event has: its own id and the user's.
        block.filterHashes.append(id)
        block.filterHashes.append(id &* 0x9E37_79B9_7F4A_7C15)
        block.fingerprints.append(id)
        block.finishEvent(receivedMilliseconds: receivedMilliseconds)
    }
}
