import SluiceCore

/// An event id made by the generator: 128 bits, written as a UUID, so that it can be followed from
/// the request to every destination.
package struct TraceID: Hashable, Sendable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A random id with the marks of a version 4 UUID.
    package init(using random: inout SplitMix64) {
        high = random.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        low = random.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
    }

    /// Reads what `description` wrote; nil for anything else.
    package init?(_ text: some StringProtocol) {
        var halves: (UInt64, UInt64) = (0, 0)
        var digits = 0
        for (place, byte) in text.utf8.enumerated() {
            if [8, 13, 18, 23].contains(place) {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            let value: UInt8
            switch byte {
            case 0x30...0x39: value = byte - 0x30
            case 0x61...0x66: value = byte - 0x61 + 10
            default: return nil
            }
            if digits < 16 {
                halves.0 = halves.0 << 4 | UInt64(value)
            } else {
                halves.1 = halves.1 << 4 | UInt64(value)
            }
            digits += 1
        }
        guard digits == 32, text.utf8.count == 36 else { return nil }
        self.init(high: halves.0, low: halves.1)
    }

    package var description: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(36)
        for place in 0..<32 {
            if place == 8 || place == 12 || place == 16 || place == 20 { bytes.append(UInt8(ascii: "-")) }
            let half = place < 16 ? high : low
            let digit = UInt8(truncatingIfNeeded: half >> UInt64(60 - 4 * (place % 16)) & 0xF)
            bytes.append(digit < 10 ? 0x30 + digit : 0x61 + digit - 10)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Whether it bears the marks of a version 4 UUID, as all that the generator makes do; ids that the
    /// gateway makes are of version 7.
    package var isGenerated: Bool { high >> 12 & 0xF == 4 && low >> 62 == 2 }

    /// The id of another event of the same request, which shares this one's session.
    package func sibling(_ number: Int) -> TraceID {
        TraceID(high: high, low: low & ~0xFF | UInt64(truncatingIfNeeded: Int(low & 0xFF) + number) & 0xFF)
    }
}
