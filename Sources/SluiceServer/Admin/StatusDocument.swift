import Foundation

/// The body of `/api/status`: the status, and what follows from it.
package struct StatusDocument: Sendable, Equatable, Codable {
    package var status: GatewayStatus
    package var totals: Totals
    package var books: Books

    package init(_ status: GatewayStatus) {
        self.status = status
        books = Books(status)
        totals = Totals(status, books: books)
    }

    private enum Key: String, CodingKey { case totals, books }

    /// Everything stands in one object.
    package func encode(to encoder: any Encoder) throws {
        try status.encode(to: encoder)
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(totals, forKey: .totals)
        try container.encode(books, forKey: .books)
    }

    package init(from decoder: any Decoder) throws {
        status = try GatewayStatus(from: decoder)
        let container = try decoder.container(keyedBy: Key.self)
        totals = try container.decode(Totals.self, forKey: .totals)
        books = try container.decode(Books.self, forKey: .books)
    }
}

/// JSON as the admin port and the command line write it.
package enum AdminJSON {
    package static func encode(_ value: some Encodable, pretty: Bool = false) -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting =
            pretty
            ? [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted] : [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        guard let data = try? encoder.encode(value) else {
            // Our own value types hold nothing JSON cannot say.
            preconditionFailure("a status that cannot be written as JSON")
        }
        return String(decoding: data, as: UTF8.self)
    }

    package static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) -> Value? {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try? decoder.decode(type, from: Data(bytes))
    }
}
