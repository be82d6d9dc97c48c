/// `${NAME}` in a value is replaced by the environment variable of that name; `$$` is a dollar sign;
/// any other dollar sign stands for itself. What a variable holds is not looked at again.
///
/// It works on the values of a document that is already parsed, so that no variable can change the
/// document's structure.
package enum EnvironmentSubstitution {
    package struct Result: Equatable {
        package var text: String
        /// Whether a variable went in; the text is then not to be printed.
        package var substituted: Bool

        package init(text: String, substituted: Bool) {
            self.text = text
            self.substituted = substituted
        }
    }

    package enum Problem: Error, Equatable {
        case unset(String)
        case unclosed
        case badName(String)

        package var message: String {
            switch self {
            case .unset(let name): "environment variable \(name) is not set"
            case .unclosed: "'${' has no '}'; write '$$' for a dollar sign"
            case .badName(let name):
                name.isEmpty
                    ? "'${}' names no environment variable"
                    : "'${\(name)}' is not the name of an environment variable: letters, digits and '_', not beginning with a digit"
            }
        }
    }

    package static func apply(_ text: String, environment: [String: String]) throws(Problem) -> Result {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return Result(text: text, substituted: false) }
        var result = Result(text: "", substituted: false)
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            result.text += rest[..<dollar]
            rest = rest[dollar...].dropFirst()
            if rest.first == "$" {
                result.text += "$"
                rest = rest.dropFirst()
            } else if rest.first == "{" {
                guard let close = rest.firstIndex(of: "}") else { throw .unclosed }
                let name = String(rest.dropFirst()[..<close])
                guard isName(name) else { throw .badName(String(name.prefix(64))) }
                guard let value = environment[name] else { throw .unset(name) }
                result.text += value
                result.substituted = true
                rest = rest[close...].dropFirst()
            } else {
                result.text += "$"
            }
        }
        result.text += rest
        return result
    }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return name.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                || $0 == 0x5F
        }
    }
}
