/// What a Content-Type says, parameters left aside.
package enum MediaType {
    /// Whether the value names this type, in any case, with or without parameters.
    package static func matches(_ value: Bytes, _ type: StaticString) -> Bool {
        let end = value.firstIndex(of: 0x3B) ?? value.count
        return value[0..<end].trimmed.equalsIgnoringCase(type)
    }
}
