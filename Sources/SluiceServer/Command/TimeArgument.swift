import SluiceCore

/// A moment as people give it on the command line: RFC 3339 with its offset, a date alone (its first moment
/// in UTC), `now`, or an age such as `-2h`.
package struct TimeArgument: Equatable, Sendable, CustomStringConvertible {
    private enum Form: Equatable, Sendable {
        /// Milliseconds since 1970.
        case moment(Int64)
        /// Milliseconds before now.
        case age(Int64)
    }

    private let form: Form
    /// As it was given.
    package let description: String

    package static let now = TimeArgument(form: .age(0), description: "now")

    private init(form: Form, description: String) {
        self.form = form
        self.description = description
    }

    /// - Throws: what is wrong with the text, as the end of a sentence that begins with it.
    package init(_ text: String) throws(FormError) {
        self.init(form: try TimeArgument.form(text), description: text)
    }

    /// Milliseconds since 1970.
    package func milliseconds(now: Int64) -> Int64 {
        switch form {
        case .moment(let milliseconds): milliseconds
        case .age(let age): max(now &- age, Timestamp.range.lowerBound)
        }
    }

    private static func form(_ text: String) throws(FormError) -> Form {
        if text == "now" { return .age(0) }
        let bytes = Array(text.utf8)
        if let milliseconds = bytes.withBytes({ Timestamp.parse($0) }) { return .moment(milliseconds) }
        // A date alone; other forms that ISO 8601 allows leave open what is meant.
        if bytes.count == 10, let milliseconds = bytes.withBytes({ Moment.parseISO8601($0) }) {
            return .moment(milliseconds)
        }
        if text.hasPrefix("-") {
            do throws(FormError) {
                return .age(Int64(try Duration.parseMilliseconds(String(text.dropFirst()))))
            } catch {
                throw FormError("is not an age: expected whole numbers with d, h, m, s or ms, as in -2h or -1d12h")
            }
        }
        if (try? Duration.parseMilliseconds(text)) != nil, text != "0" {
            throw FormError("is a duration: write -\(text) for so long ago")
        }
        if bytes.count >= 16, (bytes + [UInt8(ascii: "Z")]).withBytes({ Moment.parseISO8601($0) }) != nil {
            throw FormError("has no offset: write \(text)Z for UTC, or end it as in +02:00")
        }
        throw FormError(
            "is not a time: expected RFC 3339 as in 2026-11-21T18:30:00Z, a date as in 2026-11-21 (UTC), now, or"
                + " an age as in -2h, -90m or -1d12h")
    }
}
