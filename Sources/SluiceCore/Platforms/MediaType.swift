/// What a Content-Type says, parameters left aside.
package enum MediaType {
    /// The type without its parameters and the space around it.
    package static func essence(_ value: Bytes) -> Bytes {
        (value.firstIndex(of: 0x3B).map { value[0..<$0] } ?? value).trimmed
    }
}
