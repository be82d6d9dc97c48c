/// Walks the members of one platform's object in `ext`.
///
/// What it shows was validated when the event was read; a member that is no JSON all the same ends
/// the walk.
struct ExtensionMembers: ~Copyable {
    struct Member {
        /// Decoded; ends with the next member.
        let name: Bytes
        let kind: JSONKind
        /// The value as JSON.
        let value: Bytes
    }

    private let text: Bytes
    private var reader: JSONReader
    private var isOpen: Bool

    /// - Parameter json: no other reader that is in the middle of a value may use it.
    init(of platform: Platform, in fields: borrowing EventFields, scratch json: JSONScratch) {
        var text = Bytes.empty
        for member in fields.extensions where fields.bytes(member.key).equals(platform.name) {
            text = fields.bytes(member.value)
        }
        self.init(object: text, scratch: json)
    }

    /// The members of any object; nothing else has any.
    init(object text: Bytes, scratch json: JSONScratch) {
        self.text = text
        reader = JSONReader(text, scratch: json, depthMax: CoreLimits.canonicalDepthMax)
        isOpen = (try? reader.enterObject()) != nil
    }

    mutating func next() -> Member? {
        guard isOpen else { return nil }
        do throws(JSONError) {
            if let key = try reader.nextKey() {
                let kind = try reader.peek()
                let range = try reader.skipValue()
                return Member(name: reader.decoded(key), kind: kind, value: text[range])
            }
        } catch {
            // The draft's parser has read these very bytes before.
        }
        isOpen = false
        return nil
    }
}

extension ByteBuffer {
    /// Appends the text of a JSON string; false when `value` is something else.
    mutating func appendDecoded(_ value: Bytes, scratch json: JSONScratch) -> Bool {
        var reader = JSONReader(value, scratch: json)
        guard (try? reader.peek()) == .string, let text = try? reader.string() else { return false }
        text.decode(in: value, into: &self)
        return true
    }
}
