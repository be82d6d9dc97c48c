import CByteScan

/// Makes UUIDs of version 7 (RFC 9562, section 5.7): they sort by the time they were made.
///
/// Behind the 48 bits of milliseconds stands a counter of 26 bits, which begins anywhere in its
/// lower half with each millisecond and counts up within it (section 6.2, method 1), then 48
/// random bits. So the ids of one generator grow strictly, also when the clock stands still or
/// goes back, and those of different generators differ by chance.
///
/// The random numbers come from a generator seeded once by the system: no call of the kernel per
/// id. They are good for uniqueness, not for secrets.
///
/// Owner: one shard.
package struct UUIDv7Generator: ~Copyable {
    private var random: Xoshiro256
    private var lastMilliseconds: Int64 = -1
    private var counter: UInt64 = 0

    private let counterBits: UInt64
    private static let millisecondsMax: Int64 = 1 << 48 - 1

    package init() {
        var system = SystemRandomNumberGenerator()
        random = Xoshiro256(seededBy: &system)
        counterBits = 26
    }

    /// A generator that always makes the same ids, for tests.
    ///
    /// - Parameter counterBits: 1 to 26; few, to see the counter run out.
    package init(seed: UInt64, counterBits: UInt64 = 26) {
        var seeder = SplitMix64(seed: seed)
        random = Xoshiro256(seededBy: &seeder)
        self.counterBits = counterBits
    }

    /// The next id as two halves, the first holding the time.
    ///
    /// - Parameter milliseconds: since 1970.
    package mutating func next(milliseconds: Int64) -> (high: UInt64, low: UInt64) {
        let now = min(max(milliseconds, 0), UUIDv7Generator.millisecondsMax)
        if now > lastMilliseconds {
            lastMilliseconds = now
            counter = random.next() >> (65 - counterBits)
        } else {
            counter += 1
            if counter == 1 << counterBits {
                // Only a clock that stood still for tens of millions of ids leads here. Better a
                // millisecond ahead than out of order.
                lastMilliseconds = min(lastMilliseconds + 1, UUIDv7Generator.millisecondsMax)
                counter = 0
            }
        }
        let high = UInt64(lastMilliseconds) << 16 | 0x7000 | counter >> 14
        let low = 0x8000_0000_0000_0000 | (counter & 0x3FFF) << 48 | random.next() >> 16
        return (high, low)
    }

    /// Appends the next id, 36 characters with lower-case digits.
    package mutating func append(into buffer: inout ByteBuffer, milliseconds: Int64) {
        let id = next(milliseconds: milliseconds)
        // Safety: 36 bytes are reserved; the groups and the hyphens between them fill them all.
        unsafe buffer.appendUnsafe(room: 36) { target in
            // Eight digits each, of which the later ones write over what the earlier ones have too many of.
            unsafe cbytescan_hex(target, UInt32(truncatingIfNeeded: id.high >> 32))
            unsafe cbytescan_hex(target + 9, UInt32(truncatingIfNeeded: id.high))
            unsafe cbytescan_hex(target + 14, UInt32(truncatingIfNeeded: id.high << 16))
            unsafe cbytescan_hex(target + 19, UInt32(truncatingIfNeeded: id.low >> 32))
            unsafe cbytescan_hex(target + 24, UInt32(truncatingIfNeeded: id.low >> 16))
            unsafe cbytescan_hex(target + 28, UInt32(truncatingIfNeeded: id.low))
            unsafe target[8] = 0x2D
            unsafe target[13] = 0x2D
            unsafe target[18] = 0x2D
            unsafe target[23] = 0x2D
            return 36
        }
    }
}

/// xoshiro256++ 1.0 (Blackman and Vigna, "Scrambled linear pseudorandom number generators").
struct Xoshiro256: RandomNumberGenerator {
    private var s0: UInt64
    private var s1: UInt64
    private var s2: UInt64
    private var s3: UInt64

    init(seededBy source: inout some RandomNumberGenerator) {
        s0 = source.next()
        s1 = source.next()
        s2 = source.next()
        // The one state it never leaves is all zeros.
        s3 = source.next() | 1
    }

    mutating func next() -> UInt64 {
        let result = rotated(s0 &+ s3, 23) &+ s0
        let shifted = s1 << 17
        s2 ^= s0
        s3 ^= s1
        s1 ^= s2
        s0 ^= s3
        s2 ^= shifted
        s3 = rotated(s3, 45)
        return result
    }

    private func rotated(_ value: UInt64, _ bits: UInt64) -> UInt64 { value << bits | value >> (64 - bits) }
}
