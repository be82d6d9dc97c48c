/// Why a text is not the JSON it should be, and where.
package struct JSONError: Error, Equatable, Sendable {
    package let code: Code
    /// Bytes from the start of the input; the input's length when it ends too early.
    package let offset: Int32

    package init(_ code: Code, offset: Int) {
        self.code = code
        self.offset = Int32(truncatingIfNeeded: offset)
    }

    package enum Code: UInt8, CaseIterable, Sendable {
        case unexpectedEnd
        case expectedValue
        case expectedObject
        case expectedArray
        case expectedString
        case expectedNumber
        case expectedBool
        case expectedNull
        case expectedKey
        case expectedColon
        case expectedCommaOrBrace
        case expectedCommaOrBracket
        case invalidNumber
        case numberTooLong
        case invalidLiteral
        case controlCharacter
        case invalidEscape
        case loneSurrogate
        case invalidUTF8
        case duplicateKey
        case tooManyMembers
        case tooDeep
        case trailingContent

        /// Whether the text is JSON by the grammar, and it is this gateway that does not take it: then
        /// the text goes on behind the value at fault, and `JSONReader.passValue` leads there.
        package var isPolicy: Bool {
            switch self {
            case .duplicateKey, .tooManyMembers, .tooDeep, .numberTooLong, .loneSurrogate: true
            default: false
            }
        }

        /// Stable, for metrics and error bodies.
        package var label: StaticString {
            switch self {
            case .unexpectedEnd: "unexpected_end"
            case .expectedValue: "expected_value"
            case .expectedObject: "expected_object"
            case .expectedArray: "expected_array"
            case .expectedString: "expected_string"
            case .expectedNumber: "expected_number"
            case .expectedBool: "expected_bool"
            case .expectedNull: "expected_null"
            case .expectedKey: "expected_key"
            case .expectedColon: "expected_colon"
            case .expectedCommaOrBrace: "expected_comma_or_brace"
            case .expectedCommaOrBracket: "expected_comma_or_bracket"
            case .invalidNumber: "invalid_number"
            case .numberTooLong: "number_too_long"
            case .invalidLiteral: "invalid_literal"
            case .controlCharacter: "control_character"
            case .invalidEscape: "invalid_escape"
            case .loneSurrogate: "lone_surrogate"
            case .invalidUTF8: "invalid_utf8"
            case .duplicateKey: "duplicate_key"
            case .tooManyMembers: "too_many_members"
            case .tooDeep: "too_deep"
            case .trailingContent: "trailing_content"
            }
        }

        /// For people; needs no escape in a JSON string.
        package var message: StaticString {
            switch self {
            case .unexpectedEnd: "the JSON text ends too early"
            case .expectedValue: "expected a JSON value"
            case .expectedObject: "expected an object"
            case .expectedArray: "expected an array"
            case .expectedString: "expected a string"
            case .expectedNumber: "expected a number"
            case .expectedBool: "expected true or false"
            case .expectedNull: "expected null"
            case .expectedKey: "expected a key in quotation marks"
            case .expectedColon: "expected a colon after the key"
            case .expectedCommaOrBrace: "expected a comma or a closing brace"
            case .expectedCommaOrBracket: "expected a comma or a closing bracket"
            case .invalidNumber: "not a number as JSON writes it"
            case .numberTooLong: "a number may have at most 64 characters"
            case .invalidLiteral: "expected true, false or null"
            case .controlCharacter: "control characters in strings must be escaped"
            case .invalidEscape: "unknown escape sequence in a string"
            case .loneSurrogate: "half of a surrogate pair in a string"
            case .invalidUTF8: "the text is not valid UTF-8"
            case .duplicateKey: "the key occurs twice in its object"
            case .tooManyMembers: "an object may have at most 256 members with unknown names"
            case .tooDeep: "objects and arrays are nested too deep"
            case .trailingContent: "unexpected content after the JSON value"
            }
        }
    }
}
