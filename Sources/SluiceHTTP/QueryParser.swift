import SluiceCore

/// One parameter of a query string, as it stands there: still encoded.
package struct QueryParameter {
    package let name: Bytes
    /// Behind the first `=`; empty when there is none.
    package let value: Bytes
    /// Whether there is a `=`.
    package let hasValue: Bool

    /// Whether the decoded name is exactly `literal`.
    package func isNamed(_ literal: StaticString) -> Bool {
        PercentEncoding.decodes(name, to: literal, plusIsSpace: true)
    }

    /// Appends the decoded value to `buffer`, `+` read as a space.
    package func decodeValue(into buffer: inout ByteBuffer) throws(PercentEncodingError) {
        try PercentEncoding.decode(value, plusIsSpace: true, into: &buffer)
    }

    /// Appends the decoded name to `buffer`, `+` read as a space.
    package func decodeName(into buffer: inout ByteBuffer) throws(PercentEncodingError) {
        try PercentEncoding.decode(name, plusIsSpace: true, into: &buffer)
    }
}

/// Walks the parameters of a query string or of an `application/x-www-form-urlencoded` body, in
/// their order. Empty parts (`a=1&&b=2`) are passed over; repeated names come as often as they stand.
package struct QueryParser {
    private let text: Bytes
    private var index = 0

    /// - Parameter text: without the `?`.
    package init(_ text: Bytes) { self.text = text }

    /// The next parameter, or nil at the end.
    package mutating func next() -> QueryParameter? {
        while index < text.count {
            let end = text.firstIndex(of: 0x26, from: index) ?? text.count
            let part = text[index..<end]
            index = end + 1
            if part.isEmpty { continue }
            guard let equals = part.firstIndex(of: 0x3D) else {
                return QueryParameter(name: part, value: .empty, hasValue: false)
            }
            return QueryParameter(
                name: part[0..<equals], value: part[equals + 1..<part.count], hasValue: true)
        }
        return nil
    }
}
