import CByteScan

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A borrowed view of bytes that somebody else owns.
///
/// Valid only as long as its owner keeps the memory in place: a request's `Bytes` end when the
/// handler returns, a block's when the block is reset. Whoever needs them longer copies them.
/// Every subscript is checked, so a wrong index traps and never reads foreign memory.
@usableFromInline
@safe package struct Bytes {
    @usableFromInline package let base: UnsafePointer<UInt8>
    @usableFromInline package let count: Int

    /// Views `count` bytes at `start`. The caller vouches that they outlive the view.
    @inlinable @inline(__always)
    @unsafe package init(start: UnsafePointer<UInt8>, count: Int) {
        unsafe self.base = start
        self.count = count
    }

    /// Views memory that may be absent; no memory is an empty view.
    @inlinable @inline(__always)
    @unsafe package init(_ buffer: UnsafeBufferPointer<UInt8>) {
        if let start = buffer.baseAddress {
            unsafe self.init(start: start, count: buffer.count)
        } else {
            self = Bytes.empty
        }
    }

    /// The bytes of a literal; they live as long as the process.
    @inlinable @inline(__always)
    package init(_ literal: StaticString) {
        // Safety: a StaticString with a pointer representation is constant data of the binary.
        unsafe self.init(start: literal.utf8Start, count: literal.utf8CodeUnitCount)
    }

    @inlinable package static var empty: Bytes { Bytes("") }

    @inlinable package var isEmpty: Bool {
        @inline(__always) get { count == 0 }
    }

    @inlinable package subscript(index: Int) -> UInt8 {
        @inline(__always) get {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            // Safety: 0 <= index < count, checked on the line before.
            return unsafe base[index]
        }
    }

    /// The part of the view in `range`, which must lie within `0..<count`.
    @inlinable package subscript(range: Range<Int>) -> Bytes {
        @inline(__always) get {
            precondition(range.lowerBound >= 0 && range.upperBound <= count)
            // Safety: the range lies inside the view, checked on the line before.
            return unsafe Bytes(start: base + range.lowerBound, count: range.count)
        }
    }

    /// Calls `body` with the memory itself.
    @inlinable @inline(__always)
    package func withUnsafePointer<R, E: Error>(
        _ body: (UnsafePointer<UInt8>, Int) throws(E) -> R
    ) throws(E) -> R {
        // Safety: handing out the pointer is what the caller asked for by name.
        unsafe try body(base, count)
    }
}

extension Bytes {
    /// Whether both views show the same bytes.
    @inlinable @inline(__always)
    package func equals(_ other: Bytes) -> Bool {
        guard count == other.count else { return false }
        // Safety: both views hold `count` bytes.
        return unsafe cbytescan_equal(base, other.base, count) != 0
    }

    /// Whether the view shows exactly the bytes of `literal`.
    @inlinable @inline(__always)
    package func equals(_ literal: StaticString) -> Bool { equals(Bytes(literal)) }

    /// Like `equals`, with the letters A to Z and a to z taken as the same.
    @inlinable package func equalsIgnoringCase(_ literal: StaticString) -> Bool {
        let other = Bytes(literal)
        guard count == other.count else { return false }
        // Most write it as it is defined.
        if equals(other) { return true }
        for index in 0..<count where Bytes.lowercased(self[index]) != Bytes.lowercased(other[index]) {
            return false
        }
        return true
    }

    @inlinable package func hasPrefix(_ literal: StaticString) -> Bool {
        let other = Bytes(literal)
        return count >= other.count && self[0..<other.count].equals(other)
    }

    /// The place of the first `byte` at or after `start`, or nil.
    @inlinable package func firstIndex(of byte: UInt8, from start: Int = 0) -> Int? {
        precondition(start >= 0)
        guard start < count else { return nil }
        // Safety: start..<count lies inside the view.
        guard let found = unsafe memchr(base + start, Int32(byte), count - start) else { return nil }
        // Safety: memchr answers with an address within what it was given.
        return unsafe UnsafeRawPointer(found) - UnsafeRawPointer(base)
    }

    /// Where another view lies that shows a part of this one; nil where it shows other memory.
    package func range(of part: Bytes) -> Range<Int>? {
        let start = unsafe UInt(bitPattern: part.base) &- UInt(bitPattern: base)
        guard start <= UInt(count), UInt(part.count) <= UInt(count) - start else { return nil }
        return Int(start)..<Int(start) + part.count
    }

    /// How many bytes from `start` on a JSON string simply contains: neither its end, nor an escape, nor a control
    /// character, nor one outside ASCII.
    @inlinable @inline(__always)
    package func plainCount(from start: Int) -> Int {
        precondition(start >= 0 && start <= count)
        // Safety: start..<count lies inside the view.
        return unsafe cbytescan_plain(base + start, count &- start)
    }

    /// The place of the quotation mark that ends a JSON string whose content begins at `start`; nil where there is
    /// none. What is in between is not looked at.
    @inlinable package func endOfString(from start: Int) -> Int? {
        precondition(start >= 0)
        var place = start
        while place < count {
            // Safety: place..<count lies inside the view.
            place &+= unsafe cbytescan_plain(base + place, count &- place)
            guard place < count else { return nil }
            let byte = self[place]
            if byte == 0x22 { return place }
            // Behind a reverse solidus stands an escaped byte.
            place &+= byte == 0x5C ? 2 : 1
        }
        return nil
    }

    @inlinable @inline(__always)
    package static func lowercased(_ byte: UInt8) -> UInt8 {
        byte &- 0x41 < 26 ? byte | 0x20 : byte
    }

    /// The bytes without spaces and tabs at both ends.
    @inlinable package var trimmed: Bytes {
        var lower = 0
        var upper = count
        while lower < upper, self[lower] == 0x20 || self[lower] == 0x09 { lower += 1 }
        while upper > lower, self[upper - 1] == 0x20 || self[upper - 1] == 0x09 { upper -= 1 }
        return self[lower..<upper]
    }

    /// A copy as a String; invalid UTF-8 is replaced. Allocates: not for the hot path.
    package var string: String {
        // Safety: the buffer covers exactly the viewed bytes and is read before returning.
        unsafe String(decoding: UnsafeBufferPointer(start: base, count: count), as: UTF8.self)
    }

    /// A copy as an array. Allocates: not for the hot path.
    package var array: [UInt8] {
        // Safety: the buffer covers exactly the viewed bytes and is read before returning.
        unsafe [UInt8](UnsafeBufferPointer(start: base, count: count))
    }
}

extension Array where Element == UInt8 {
    /// Lends the array's bytes to `body`; they end with the call.
    @inlinable package func withBytes<R, E: Error>(_ body: (Bytes) throws(E) -> R) throws(E) -> R {
        let result: Result<R, E> = unsafe withUnsafeBufferPointer { buffer in
            do throws(E) {
                // Safety: the view does not outlive the closure, by the contract of this method.
                return .success(try unsafe body(Bytes(buffer)))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
