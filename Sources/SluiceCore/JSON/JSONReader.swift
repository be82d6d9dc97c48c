import CByteScan

package enum JSONKind: UInt8, Sendable {
    case object, array, string, number, `true`, `false`, null
}

/// A number as it was written. `start` and `count` are bytes of the reader's input.
package struct JSONNumber: Equatable, Sendable {
    package let start: Int32
    /// At most `JSONReader.numberBytesMax`.
    package let count: Int32
    /// Written without fraction and exponent.
    package let isInteger: Bool
    package let isNegative: Bool

    /// The number's text; `input` is what the reader read.
    package func raw(in input: Bytes) -> Bytes { input[Int(start)..<Int(start) + Int(count)] }

    /// The value, if it is written as an integer and fits.
    package func integer(in input: Bytes) -> Int? {
        guard isInteger else { return nil }
        var value = 0
        for index in Int(start) + (isNegative ? 1 : 0)..<Int(start) + Int(count) {
            let (shifted, tooLarge) = value.multipliedReportingOverflow(by: 10)
            let digit = Int(input[index] &- 0x30)
            let (sum, over) = shifted.subtractingReportingOverflow(digit)
            if tooLarge || over { return nil }
            value = sum
        }
        // Counted downwards, because the least Int has no positive counterpart.
        guard !isNegative else { return value }
        return value == .min ? nil : -value
    }
}

/// Reads one JSON text (RFC 8259) from the front, one value at a time, as its caller asks.
///
/// Nothing is built and nothing is allocated: strings and numbers are places in the input, which
/// must stay where it is. Each byte is looked at once. What has been read is valid without
/// reservation; what has not been read is not yet known to be. After an error the reader stands
/// anywhere: it can only be given up or put back with `restore`.
///
/// A value is taken by the method for its kind, or by `skipValue`; `peek` says which kind it is.
/// In an object, `nextKey` comes before each value, in an array `nextElement`:
///
///     try reader.enterObject()
///     while let key = try reader.nextKey() {
///         if key.equals("id", in: body) { id = try reader.string() } else { _ = try reader.skipValue() }
///     }
///     try reader.end()
///
/// Duplicate keys: `skipValue` refuses them in whatever it skips. In an object that the caller
/// walks, the caller knows its own keys; for the others there is `openKeys`.
///
/// Invariants: 1. `0 <= position <= count`. 2. `depth <= depthMax <= 64`. 3. bit `depth - 1` of
/// `objects` tells whether the innermost open container is an object, and of `filled` whether it
/// has had a member. 4. `keysHeight` keys lie in the scratch.
/// Owner: whoever owns the scratch.
@safe package struct JSONReader: ~Copyable {
    /// Most characters of one number.
    package static let numberBytesMax = 64

    /// What is being read.
    package let input: Bytes
    let base: UnsafePointer<UInt8>
    let count: Int
    let depthMax: Int
    let scratch: JSONScratch
    var position = 0
    var depth = 0
    var objects: UInt64 = 0
    var filled: UInt64 = 0
    var keysHeight = 0

    /// - Parameters:
    ///   - bytes: at most 2 GiB; a byte order mark is refused, as is anything but UTF-8.
    ///   - scratch: memory of this thread that no other reader uses meanwhile.
    ///   - depthMax: how many objects and arrays may be open at once, 1 to 64.
    package init(_ bytes: Bytes, scratch: JSONScratch, depthMax: Int = 32) {
        precondition(bytes.count <= Int(Int32.max))
        precondition(depthMax > 0 && depthMax <= JSONScratch.depthLimit)
        input = bytes
        // Safety: read only below `count`; the view outlives the reader by contract.
        unsafe base = bytes.base
        count = bytes.count
        self.depthMax = depthMax
        self.scratch = scratch
        scratch.decodedKeys.removeAll()
    }

    /// Bytes read so far.
    package var offset: Int { position }

    /// The byte at `index`; 0 at the end of the input, since no token begins with or contains NUL.
    @inline(__always)
    func byte(at index: Int) -> UInt8 {
        guard index < count else { return 0 }
        // Safety: every index used grows from 0, so it is within 0..<count.
        return unsafe base[index]
    }

    @inline(__always)
    mutating func skipSpace() {
        while true {
            let byte = byte(at: position)
            guard byte <= 0x20 else { return }
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            position &+= 1
        }
    }

    /// The error for a token that should begin at `position` and does not.
    func unexpected(_ code: JSONError.Code) -> JSONError {
        JSONError(position < count ? code : .unexpectedEnd, offset: position)
    }

    /// Passes over white space and tells the kind of the value that begins there.
    ///
    /// Only the first byte is looked at: the value may yet turn out to be invalid.
    @inline(__always)
    package mutating func peek() throws(JSONError) -> JSONKind {
        skipSpace()
        switch byte(at: position) {
        case 0x22: return .string
        case 0x7B: return .object
        case 0x5B: return .array
        case 0x2D, 0x30...0x39: return .number
        case 0x74: return .true
        case 0x66: return .false
        case 0x6E: return .null
        default: throw unexpected(.expectedValue)
        }
    }

    @inline(__always)
    package mutating func enterObject() throws(JSONError) {
        try enter(0x7B, else: .expectedObject)
        objects |= 1 &<< UInt64(depth &- 1)
    }

    @inline(__always)
    package mutating func enterArray() throws(JSONError) {
        try enter(0x5B, else: .expectedArray)
        objects &= ~(1 &<< UInt64(depth &- 1))
    }

    @inline(__always)
    private mutating func enter(_ bracket: UInt8, else code: JSONError.Code) throws(JSONError) {
        skipSpace()
        guard byte(at: position) == bracket else { throw unexpected(code) }
        guard depth < depthMax else { throw JSONError(.tooDeep, offset: position) }
        position &+= 1
        filled &= ~(1 &<< UInt64(depth))
        depth &+= 1
    }

    /// Whether the innermost open container is an object.
    var isInObject: Bool { depth > 0 && objects >> UInt64(depth &- 1) & 1 == 1 }

    /// Reads the next key of the innermost object and the colon behind it; nil when the object
    /// ends here, which closes it.
    package mutating func nextKey() throws(JSONError) -> JSONText? {
        assert(isInObject)
        let bit: UInt64 = 1 &<< UInt64(depth &- 1)
        // Safety: covers exactly the rest of the input.
        let name = unsafe cbytescan_find_name(base + position, count &- position, filled & bit != 0 ? 1 : 0)
        if name.end != 0 {
            filled |= bit
            let start = position &+ Int(name.start)
            position &+= Int(name.end)
            return JSONText(start: start, count: Int(name.count), hasEscapes: false)
        }
        return try nextUnusualKey(bit)
    }

    /// Closes the innermost object if it ends right here. Where false, nothing has changed.
    @inline(__always)
    mutating func leaveObject() -> Bool {
        guard byte(at: position) == 0x7D else { return false }
        assert(isInObject)
        position &+= 1
        depth &-= 1
        return true
    }

    /// Reads the next key of the innermost object and the colon behind it if they are as in `member`, without
    /// white space: `,"name":`, of which `MemberTexts.width` bytes can be read from its first two on. Anything else
    /// stays where it is: nil.
    @inline(__always)
    mutating func expectedKey(_ member: Bytes) -> JSONText? {
        guard member.count > 4 else { return nil }
        let bit: UInt64 = 1 &<< UInt64(depth &- 1)
        // The first one has no comma before it.
        let skipped = filled & bit != 0 ? 0 : 1
        let size = member.count &- skipped
        // Safety: covers exactly the rest of the input; `skipped` is at most one.
        guard unsafe cbytescan_begins(base + position, count &- position, member.base + skipped, size) != 0 else {
            return nil
        }
        filled |= bit
        let start = position &+ 2 &- skipped
        position &+= size
        return JSONText(start: start, count: member.count &- 4, hasEscapes: false)
    }

    /// Reads a key with escapes, or one outside ASCII, or the end of the object, or finds out what is wrong.
    @inline(never)
    private mutating func nextUnusualKey(_ bit: UInt64) throws(JSONError) -> JSONText? {
        skipSpace()
        if byte(at: position) == 0x7D {
            position &+= 1
            depth &-= 1
            return nil
        }
        if filled & bit != 0 {
            guard byte(at: position) == 0x2C else { throw unexpected(.expectedCommaOrBrace) }
            position &+= 1
            skipSpace()
        }
        filled |= bit
        guard byte(at: position) == 0x22 else { throw unexpected(.expectedKey) }
        let key = try finishString()
        skipSpace()
        guard byte(at: position) == 0x3A else { throw unexpected(.expectedColon) }
        position &+= 1
        return key
    }

    /// Whether another element of the innermost array follows; false closes the array.
    @inline(__always)
    package mutating func nextElement() throws(JSONError) -> Bool {
        assert(depth > 0 && !isInObject)
        let bit: UInt64 = 1 &<< UInt64(depth &- 1)
        skipSpace()
        if byte(at: position) == 0x5D {
            position &+= 1
            depth &-= 1
            return false
        }
        if filled & bit != 0 {
            guard byte(at: position) == 0x2C else { throw unexpected(.expectedCommaOrBracket) }
            position &+= 1
        }
        filled |= bit
        return true
    }

    /// Checks that nothing but white space remains.
    package mutating func end() throws(JSONError) {
        assert(depth == 0)
        skipSpace()
        guard position == count else { throw JSONError(.trailingContent, offset: position) }
    }

    /// A place to come back to, with everything the reader knows there.
    package struct Checkpoint {
        let position: Int
        let depth: Int
        let objects: UInt64
        let filled: UInt64
        let keysHeight: Int
    }

    package var checkpoint: Checkpoint {
        Checkpoint(
            position: position, depth: depth, objects: objects, filled: filled, keysHeight: keysHeight)
    }

    /// Goes back to where this reader was, also after an error: to skip a value, for instance,
    /// that was found wanting halfway.
    package mutating func restore(_ checkpoint: Checkpoint) {
        position = checkpoint.position
        depth = checkpoint.depth
        objects = checkpoint.objects
        filled = checkpoint.filled
        keysHeight = checkpoint.keysHeight
    }

    /// The content of `text` with escapes resolved; ends with the next call of this method.
    package mutating func decoded(_ text: JSONText) -> Bytes {
        guard text.hasEscapes else { return text.raw(in: input) }
        scratch.decodedText.removeAll()
        text.decode(in: input, into: &scratch.decodedText)
        return scratch.decodedText.bytes
    }
}
