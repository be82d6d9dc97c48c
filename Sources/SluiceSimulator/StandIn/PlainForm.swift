import Foundation

/// The parameters of a query or a form, in the order they came, decoded by Foundation: the gateway's
/// own readers have no part in it.
package struct PlainForm: Equatable, Sendable {
    package struct Parameter: Equatable, Sendable {
        package let name: String
        package let value: String
    }

    package let parameters: [Parameter]

    package init(_ parameters: [Parameter]) { self.parameters = parameters }

    /// Reads `name=value&…`; nil when something is not percent-encoded UTF-8, or stands unescaped
    /// that may not (RFC 3986, section 3.4, for queries; space, control characters and everything
    /// beyond ASCII for both).
    ///
    /// - Parameter plusIsSpace: as in forms and in queries that a form makes; in the query of a
    ///   plain URL a plus sign is a plus sign.
    package init?(_ text: String, plusIsSpace: Bool) {
        var parameters: [Parameter] = []
        for part in text.split(separator: "&") {
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decode(halves[0], plusIsSpace: plusIsSpace),
                let value = Self.decode(halves.count > 1 ? halves[1] : "", plusIsSpace: plusIsSpace)
            else { return nil }
            parameters.append(Parameter(name: name, value: value))
        }
        self.parameters = parameters
    }

    /// What may stand in a query unescaped, percent signs of escapes included.
    private static let unescaped = Set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$'()*+,;:@/?%=".utf8)

    private static func decode(_ text: Substring, plusIsSpace: Bool) -> String? {
        guard text.utf8.allSatisfy(unescaped.contains) else { return nil }
        let spaced = plusIsSpace ? text.replacingOccurrences(of: "+", with: " ") : String(text)
        return spaced.removingPercentEncoding
    }

    package func values(_ name: String) -> [String] {
        parameters.filter { $0.name == name }.map(\.value)
    }

    /// The first value; nil when the parameter is absent.
    package subscript(name: String) -> String? { parameters.first { $0.name == name }?.value }

    /// The first value that is not empty.
    package func text(_ name: String) -> String? { values(name).first { !$0.isEmpty } }

    package var names: Set<String> { Set(parameters.map(\.name)) }
}

/// Numbers as platforms read them from text.
package enum PlainNumber {
    /// A decimal number in plain or exponent form; nil for anything else, for infinities and for
    /// what does not fit.
    package static func decimal(_ text: String) -> Double? {
        guard !text.isEmpty, text.utf8.allSatisfy({ Set("0123456789+-.eE".utf8).contains($0) }),
            text.utf8.contains(where: { (0x30...0x39).contains($0) }), let value = Double(text),
            value.isFinite
        else { return nil }
        return value
    }

    /// A whole number of 32 bits.
    package static func int32(_ text: String) -> Int32? {
        text.hasPrefix("+") ? nil : Int32(text)
    }
}
