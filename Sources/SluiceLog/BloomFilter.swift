import SluiceCore

/// A set of 64-bit hashes in few bits: what it denies was never added, what it affirms probably was.
///
/// With `hash` cut into its low half `a` and its high half `b | 1` (so that no step is zero), key
/// number i of `hashCount` sets the bit
///
///     ((a + i * b) mod 2^32) * bits / 2^32
///
/// and bit n is bit `n % 8` of byte `n / 8`. `bits` is eight times the length of the filter; a
/// filter over no keys is empty. With 10 bits and 7 hashes per key about 8 of 1000 absent keys are
/// affirmed.
package enum BloomFilter {
    /// Bits for each key; stored in the segment.
    package static let bitsPerKey = 10
    /// Bits set for each key; stored in the segment.
    package static let hashCount = 7

    /// Bytes of a filter over `keys` keys: a multiple of 8, and below 2^29 so that bits fit 32 bits.
    static func byteCount(keys: Int) -> Int {
        guard keys > 0 else { return 0 }
        return min((keys * bitsPerKey + 63) / 64 * 8, 1 << 28)
    }

    /// Writes the filter over `hashes` to `buffer` in place of what it held.
    static func write(_ hashes: borrowing HashList, into buffer: inout ByteBuffer) {
        buffer.removeAll()
        let size = byteCount(keys: hashes.count)
        guard size > 0 else { return }
        // Safety: `size` bytes are reserved and all written.
        unsafe buffer.appendUnsafe(room: size) { base in
            unsafe base.initialize(repeating: 0, count: size)
            let bits = UInt64(size) * 8
            for index in 0..<hashes.count {
                let hash = hashes[index]
                var key = UInt32(truncatingIfNeeded: hash)
                let step = UInt32(truncatingIfNeeded: hash >> 32) | 1
                for _ in 0..<hashCount {
                    let bit = Int((UInt64(key) &* bits) >> 32)
                    // Safety: bit < bits, so bit / 8 < size.
                    unsafe base[bit >> 3] |= 1 << UInt8(truncatingIfNeeded: bit & 7)
                    key &+= step
                }
            }
            return size
        }
    }

    /// Whether `filter` may hold `hash`. `hashCount` is what its segment says.
    package static func mayContain(_ hash: UInt64, in filter: Bytes, hashCount: Int = hashCount) -> Bool {
        guard filter.count > 0 else { return false }
        let bits = UInt64(filter.count) * 8
        var key = UInt32(truncatingIfNeeded: hash)
        let step = UInt32(truncatingIfNeeded: hash >> 32) | 1
        for _ in 0..<hashCount {
            let bit = Int((UInt64(key) &* bits) >> 32)
            if filter[bit >> 3] & (1 << UInt8(truncatingIfNeeded: bit & 7)) == 0 { return false }
            key &+= step
        }
        return true
    }
}
