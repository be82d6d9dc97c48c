import Foundation

/// A JSON document as Foundation reads it, which is what makes the stand-ins an oracle: the
/// gateway's own reader and writer have no part in it.
package enum PlainJSON: Equatable, Sendable {
    case null
    case bool(Bool)
    /// `isInteger`: written without a fraction, or with one that is zero.
    case number(Double, isInteger: Bool)
    case string(String)
    case array([PlainJSON])
    case object([String: PlainJSON])

    /// Reads one whole document; nil when it is no JSON.
    package init?(_ bytes: [UInt8]) {
        // Foundation lets a comma stand before a closing bracket, which RFC 8259 does not.
        guard !Self.hasTrailingComma(bytes),
            let document = try? JSONSerialization.jsonObject(
                with: Data(bytes), options: [.fragmentsAllowed])
        else { return nil }
        self.init(document: document)
    }

    private static func hasTrailingComma(_ bytes: [UInt8]) -> Bool {
        var isInString = false
        var isEscaped = false
        var isAfterComma = false
        for byte in bytes {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                if isAfterComma { return true }
            case 0x09, 0x0A, 0x0D, 0x20: continue
            case UInt8(ascii: "\""): isInString = true
            default: break
            }
            isAfterComma = byte == UInt8(ascii: ",")
        }
        return false
    }

    private init(document: Any) {
        switch document {
        case let text as String:
            self = .string(text)
        case let members as [String: Any]:
            self = .object(members.mapValues(PlainJSON.init(document:)))
        case let elements as [Any]:
            self = .array(elements.map(PlainJSON.init(document:)))
        case let number as NSNumber:
            // Foundation has one class for both; only a truth value is encoded as a char.
            // Safety: objCType is a constant, zero-terminated C string.
            if unsafe number.objCType.pointee == CChar(bitPattern: UInt8(ascii: "c")) {
                self = .bool(number.boolValue)
            } else {
                let value = number.doubleValue
                self = .number(value, isInteger: value == value.rounded() && value.isFinite)
            }
        default:
            self = .null
        }
    }

    /// The member of an object; nil when this is none or has none of that name.
    package subscript(name: String) -> PlainJSON? {
        guard case .object(let members) = self else { return nil }
        return members[name]
    }

    package var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    package var elements: [PlainJSON]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    package var integer: Int64? {
        if case .number(let value, isInteger: true) = self { Int64(exactly: value) } else { nil }
    }

    package var double: Double? {
        if case .number(let value, _) = self { value } else { nil }
    }

    /// Writes `text` as a JSON string, quotes included.
    package static func quote(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
