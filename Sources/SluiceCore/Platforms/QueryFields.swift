/// Walks the parameters of a query or a form (`name=value&…`), as browsers write them
/// (WHATWG URL, section 5).
struct QueryFields {
    private let text: Bytes
    private var position = 0

    init(_ text: Bytes) { self.text = text }

    /// The next parameter, still encoded; nil at the end. Empty parts between `&` are passed over.
    mutating func next() -> (name: Bytes, value: Bytes)? {
        while position < text.count {
            let end = text.firstIndex(of: 0x26, from: position) ?? text.count
            let part = text[position..<end]
            position = end + 1
            guard !part.isEmpty else { continue }
            guard let equals = part.firstIndex(of: 0x3D) else { return (part, .empty) }
            return (part[0..<equals], part[equals + 1..<part.count])
        }
        return nil
    }

    /// Appends the text with `%XX` and `+` resolved. False when an escape is cut off or not
    /// hexadecimal, or when the result is not UTF-8.
    ///
    /// - Parameter lenient: the text may not have been escaped at all: `+` stands for itself, and so does
    ///   `%` without two hexadecimal digits behind it.
    static func decode(_ text: Bytes, into out: inout ByteBuffer, lenient: Bool = false) -> Bool {
        let start = out.count
        var here = 0
        while here < text.count {
            switch text[here] {
            case 0x2B: out.append(lenient ? 0x2B : 0x20)
            case 0x25:
                let high = here + 2 < text.count ? hexValue(text[here + 1]) : 255
                let low = here + 2 < text.count ? hexValue(text[here + 2]) : 255
                guard high < 16, low < 16 else {
                    guard lenient else { return false }
                    out.append(0x25)
                    break
                }
                out.append(high << 4 | low)
                here += 2
            case let byte: out.append(byte)
            }
            here += 1
        }
        return out.bytes[start..<out.count].isUTF8
    }
}
