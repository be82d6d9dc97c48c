import SluiceCore

/// How the ids of one run look: UUIDs of version 4 in form, made of a prefix that is the run's own, the
/// number of the thread, and a running number, so that they can be told from all others in a log and be kept
/// as one bit each.
///
///     3f2b8a1e-8a6e-4a2f-8ttt-nnnnnnnnnnnn
///     ╰─ the run's own ─╯  │   ╰ number, 48 bits
///                          ╰ thread, 12 bits
package struct RunID: Equatable, Sendable {
    /// The first 20 characters of every id.
    package let prefix: String
    private let prefixBytes: [UInt8]

    package static let length = 36
    package static let threadsMax = 1 << 12
    /// Where the running number begins in an id.
    static let numberOffset = 24
    static let numberDigits = 12

    package init(using random: inout SplitMix64) {
        let digits = (0..<15).map { _ in Self.hex[random.next(below: 16)] }
        prefix = "\(String(digits[0..<8]))-\(String(digits[8..<12]))-4\(String(digits[12..<15]))-8"
        prefixBytes = Array(prefix.utf8)
    }

    private static let hex = Array("0123456789abcdef")

    /// An id as it stands in a request.
    package func text(thread: Int, number: UInt64) -> String {
        prefix + Self.padded(UInt64(thread), 3) + "-" + Self.padded(number, Self.numberDigits)
    }

    private static func padded(_ value: UInt64, _ digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text.suffix(digits)
    }

    /// Finds the first id of this run in a text; nil when there is none.
    package func find(in text: Bytes) -> (thread: Int, number: UInt64)? {
        prefixBytes.withBytes { needle in
            var from = 0
            while let start = text.firstIndex(of: needle[0], from: from) {
                guard text.count - start >= RunID.length else { return nil }
                if text[start..<start + needle.count].equals(needle),
                    let id = RunID.parse(text[start + needle.count..<start + RunID.length])
                {
                    return id
                }
                from = start + 1
            }
            return nil
        }
    }

    /// Reads `ttt-nnnnnnnnnnnn`.
    private static func parse(_ rest: Bytes) -> (thread: Int, number: UInt64)? {
        var values: (UInt64, UInt64) = (0, 0)
        for place in 0..<rest.count {
            let byte = rest[place]
            if place == 3 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x61...0x66: digit = byte - 0x61 + 10
            default: return nil
            }
            if place < 3 { values.0 = values.0 << 4 | UInt64(digit) } else { values.1 = values.1 << 4 | UInt64(digit) }
        }
        return (Int(values.0), values.1)
    }
}
