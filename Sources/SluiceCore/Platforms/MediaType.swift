/// What a Content-Type says, parameters left aside.
package enum MediaType {
    /// The type without its parameters and the space around it.
    package static func essence(_ value: Bytes) -> Bytes {
        (value.firstIndex(of: 0x3B).map { value[0..<$0] } ?? value).trimmed
    }

    /// Whether a Content-Type names this type, whatever its parameters and its case.
    package static func matches(_ value: Bytes, _ type: StaticString) -> Bool {
        // Most say that and nothing else.
        value.equals(type) || essence(value).equalsIgnoringCase(type)
    }
}
