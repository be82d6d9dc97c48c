import CByteScan

/// Walks the parameters of a query or a form (`name=value&…`), as browsers write them
/// (WHATWG URL, section 5).
struct QueryFields {
    /// One parameter, still encoded, as places in the text.
    struct Parameter {
        let name: Range<Int>
        let value: Range<Int>
        /// Both are ASCII that needs no decoding, and no escape in JSON.
        let isPlain: Bool
        /// The name is.
        let isNamePlain: Bool
    }

    private let text: Bytes
    private var position = 0
    /// Bytes of `text` from `block` on that are no simple part of a parameter, and behind `position`.
    private var marks: UInt64 = 0
    private var block = -64

    init(_ text: Bytes) { self.text = text }

    /// The next parameter, still encoded; nil at the end. Empty parts between `&` are passed over.
    mutating func next() -> (name: Bytes, value: Bytes)? {
        guard let parameter = nextParameter() else { return nil }
        return (text[parameter.name], text[parameter.value])
    }

    /// The same as places in the text.
    @inline(__always)
    mutating func nextParameter() -> Parameter? {
        while position < text.count {
            let start = position
            var equals = -1
            var isPlain = true
            var isNamePlain = true
            var end = nextMark()
            while end < text.count, text[end] != 0x26 {
                if text[end] != 0x3D {
                    isPlain = false
                    if equals < 0 { isNamePlain = false }
                } else if equals < 0 {
                    equals = end
                }
                end = nextMark()
            }
            position = end + 1
            guard end > start else { continue }
            let nameEnd = equals >= 0 ? equals : end
            return Parameter(
                name: start..<nameEnd, value: min(nameEnd &+ 1, end)..<end, isPlain: isPlain, isNamePlain: isNamePlain)
        }
        return nil
    }

    /// Goes on to the next byte that is marked; the end when there is none.
    @inline(__always)
    private mutating func nextMark() -> Int {
        while marks == 0 {
            guard text.count &- block > 64 else { return text.count }
            block &+= 64
            // Safety: block < count, so that it looks at the bytes of the view only.
            marks = unsafe cbytescan_form(text.base, text.count, block)
        }
        let place = block &+ marks.trailingZeroBitCount
        marks &= marks &- 1
        return place
    }

    /// Appends the text with `%XX` and `+` resolved. False when an escape is cut off or not
    /// hexadecimal, or when the result is not UTF-8.
    ///
    /// - Parameter lenient: the text may not have been escaped at all: `+` stands for itself, and so does
    ///   `%` without two hexadecimal digits behind it.
    static func decode(_ text: Bytes, into out: inout ByteBuffer, lenient: Bool = false) -> Bool {
        decodeText(text, into: &out, lenient: lenient) != nil
    }

    /// The same; tells whether what was appended can stand between the quotation marks of JSON as it is.
    static func decodeText(_ text: Bytes, into out: inout ByteBuffer, lenient: Bool) -> Slot.Form? {
        let start = out.count
        var kinds: UInt32 = 0
        var isDecoded = true
        unsafe out.appendUnsafe(room: text.count) { target in
            // Safety: decoded text is no longer than the encoded one, for which there is room.
            let size = unsafe cbytescan_decode_form(target, text.base, text.count, lenient ? 1 : 0, &kinds)
            isDecoded = size >= 0
            return max(size, 0)
        }
        guard isDecoded else { return nil }
        if kinds & 2 != 0, !out.bytes[start..<out.count].isUTF8 { return nil }
        return kinds & 1 == 0 ? .verbatim : .plain
    }
}
