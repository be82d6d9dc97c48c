import CByteScan

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Bytes under construction: an append-only buffer that owns its memory.
///
/// It grows by doubling and keeps what it has grown to, so that a buffer that is reused stops
/// allocating once it has seen its largest content.
///
/// Invariants: 1. `count <= capacity`. 2. bytes `0..<count` are initialized.
@usableFromInline
@safe package struct ByteBuffer: ~Copyable {
    @usableFromInline var base: UnsafeMutablePointer<UInt8>
    @usableFromInline package private(set) var capacity: Int
    @usableFromInline package internal(set) var count: Int

    /// - Parameter capacity: bytes to reserve at once; at least 16 are.
    package init(capacity: Int) {
        self.capacity = Swift.max(capacity, 16)
        // Safety: capacity > 0; freed in deinit only.
        unsafe self.base = .allocate(capacity: self.capacity)
        self.count = 0
    }

    deinit {
        // Safety: allocated in init or grow, and never given away.
        unsafe base.deallocate()
    }

    @inlinable package var isEmpty: Bool {
        @inline(__always) get { count == 0 }
    }

    /// What has been written. Ends with the next call that changes the buffer.
    @inlinable package var bytes: Bytes {
        // Safety: invariant 2.
        @inline(__always) get { unsafe Bytes(start: base, count: count) }
    }

    /// Makes room for `additional` more bytes.
    @inlinable @inline(__always)
    package mutating func reserve(_ additional: Int) {
        if capacity &- count < additional { grow(additional) }
    }

    @usableFromInline @inline(never)
    mutating func grow(_ additional: Int) {
        let wanted = Swift.max(capacity * 2, count + additional)
        // Safety: the new memory holds the old content before the old memory is freed.
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: wanted)
        unsafe larger.update(from: base, count: count)
        unsafe base.deallocate()
        unsafe base = larger
        capacity = wanted
    }

    @inlinable @inline(__always)
    package mutating func append(_ byte: UInt8) {
        reserve(1)
        // Safety: count < capacity after reserve.
        unsafe base[count] = byte
        count &+= 1
    }

    @inlinable @inline(__always)
    package mutating func append(_ bytes: Bytes) {
        reserve(bytes.count)
        // Safety: room for bytes.count was reserved; a view of this very buffer is the caller's error.
        unsafe cbytescan_copy(base + count, bytes.base, bytes.count)
        count &+= bytes.count
    }

    @inlinable @inline(__always)
    package mutating func append(_ literal: StaticString) { append(Bytes(literal)) }

    /// Appends `bytes` between quotation marks, as they are.
    @inlinable @inline(__always)
    package mutating func appendQuoted(_ bytes: Bytes) {
        reserve(bytes.count &+ 2)
        // Safety: room for the bytes and both marks was reserved.
        unsafe base[count] = 0x22
        unsafe cbytescan_copy(base + count + 1, bytes.base, bytes.count)
        unsafe base[count &+ bytes.count &+ 1] = 0x22
        count &+= bytes.count &+ 2
    }

    /// Appends `prefix`, at most 32 bytes of 32 that can be read, and behind it `bytes` as they are, between
    /// quotation marks where `quoted`.
    @inline(__always)
    mutating func append(prefix: Bytes, _ bytes: Bytes, quoted: Bool) {
        precondition(prefix.count <= 32)
        reserve(bytes.count &+ 34)
        // Safety: 34 bytes and the text are reserved; what is copied too much is written over.
        var end = unsafe base + count
        unsafe memcpy(end, prefix.base, 32)
        unsafe end += prefix.count
        if quoted {
            unsafe end[0] = 0x22
            unsafe end += 1
        }
        unsafe cbytescan_copy(end, bytes.base, bytes.count)
        unsafe end += bytes.count
        if quoted {
            unsafe end[0] = 0x22
            unsafe end += 1
        }
        count = unsafe end - base
    }

    /// Copies the UTF-8 of `string`. Not for the hot path. Disfavored, or every literal would be taken
    /// for a String and copied byte by byte.
    @_disfavoredOverload
    package mutating func append(_ string: String) {
        for byte in string.utf8 { append(byte) }
    }

    /// Writes `value` in decimal digits.
    @inlinable package mutating func appendDecimal(_ value: Int) {
        reserve(20)
        var magnitude = value.magnitude
        if value < 0 { append(0x2D) }
        var digits = 1
        var probe = magnitude
        while probe >= 10 {
            probe /= 10
            digits += 1
        }
        var place = count + digits
        count = place
        repeat {
            place -= 1
            // Safety: at most 20 bytes below count, all reserved above.
            unsafe base[place] = UInt8(truncatingIfNeeded: magnitude % 10) &+ 0x30
            magnitude /= 10
        } while magnitude > 0
    }

    /// Forgets everything from `newCount` on; the memory stays.
    @inlinable package mutating func truncate(to newCount: Int) {
        precondition(newCount >= 0 && newCount <= count)
        count = newCount
    }

    @inlinable package mutating func removeAll() { count = 0 }

    /// Forgets the first `amount` bytes and moves the rest to the front.
    package mutating func removeFirst(_ amount: Int) {
        precondition(amount >= 0 && amount <= count)
        // Safety: both ranges lie inside 0..<count; memmove allows overlap.
        unsafe memmove(base, base + amount, count - amount)
        count -= amount
    }

    /// Lets `body` fill up to `room` bytes behind the content and say how many it wrote.
    @inlinable package mutating func appendUnsafe<E: Error>(
        room: Int, _ body: (UnsafeMutablePointer<UInt8>) throws(E) -> Int
    ) throws(E) {
        reserve(room)
        // Safety: `room` bytes are reserved; a larger answer traps.
        let written = try unsafe body(base + count)
        precondition(written >= 0 && written <= room)
        count += written
    }

    /// Lets `body` read and change the content in place.
    @inlinable package mutating func withUnsafeMutablePointer<R, E: Error>(
        _ body: (UnsafeMutablePointer<UInt8>, Int) throws(E) -> R
    ) throws(E) -> R {
        // Safety: handing out the pointer is what the caller asked for by name.
        try unsafe body(base, count)
    }
}
