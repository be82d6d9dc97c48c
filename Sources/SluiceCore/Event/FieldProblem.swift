/// What is wrong with an event, and where. Valid until the draft begins its next event.
package struct FieldProblem: Error {
    package enum Code: UInt8, CaseIterable, Sendable {
        case missing, wrongType, empty, tooLong, tooMany, outOfRange, invalidValue, nulCharacter
        case duplicateKey, conflict, invalidEncoding, tooDeep

        /// Stable: what senders and metrics see.
        package var label: StaticString {
            switch self {
            case .missing: "missing"
            case .wrongType: "wrong_type"
            case .empty: "empty"
            case .tooLong: "too_long"
            case .tooMany: "too_many"
            case .outOfRange: "out_of_range"
            case .invalidValue: "invalid_value"
            case .nulCharacter: "nul_character"
            case .duplicateKey: "duplicate_key"
            case .conflict: "conflict"
            case .invalidEncoding: "invalid_encoding"
            case .tooDeep: "too_deep"
            }
        }
    }

    package var code: Code
    /// The object of the schema.
    package var object: UInt8 = 0
    /// The property of that object, or -1 for the object itself.
    package var property: Int = -1
    /// The row of `order.items`, or -1.
    package var item: Int32 = -1
    /// The bound that was exceeded, in bytes or elements.
    package var limit = 0
    /// A field the schema has no property for, by its decoded name, or by its decoded path from the
    /// event on.
    package var key: Slot?
    /// The whole dotted path, where it is not the schema's.
    package var path: StaticString = ""
    /// What the rule cannot say by itself.
    package var words: StaticString = ""

    package init(_ code: Code) { self.code = code }

    /// What JSON as such allows and the gateway does not; where it is remains to be said.
    ///
    /// - Precondition: `error.isPolicy`.
    package init(policy error: JSONError.Code) {
        switch error {
        case .tooManyMembers:
            code = .tooMany
            words = "is one of more than 256 members with unknown names in one object"
        case .tooDeep:
            code = .tooDeep
            words = "is nested too deep: at most 32 objects and arrays may be open"
        case .numberTooLong:
            code = .tooLong
            words = "must not hold a number of more than 64 characters"
        case .loneSurrogate:
            code = .invalidEncoding
            words = "must not hold half of a surrogate pair"
        default:
            precondition(error == .duplicateKey)
            code = .duplicateKey
        }
    }

    /// Something wrong with the event as a whole.
    package init(_ code: Code, path: StaticString, words: StaticString, item: Int32 = -1) {
        self.code = code
        self.path = path
        self.words = words
        self.item = item
    }
}
