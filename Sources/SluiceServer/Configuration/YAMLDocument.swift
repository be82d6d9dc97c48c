import Yams

/// A parsed YAML document whose keys were given twice in places.
///
/// Yams refuses a mapping with a repeated key as a whole. So that everything else is still checked, the
/// first of two equal keys is replaced by a marker, a character that no key of ours has, and the document
/// is parsed again.
struct YAMLDocument {
    /// Nil for a document without content.
    var root: Node?
    /// What stood in the place of each marker.
    var duplicates: [String: String]

    private static let duplicatesMax = 100

    static func parse(_ text: String, file: String?) throws(ConfigurationError) -> YAMLDocument {
        var text = text
        var duplicates: [String: String] = [:]
        while true {
            do {
                return YAMLDocument(root: try compose(yaml: text), duplicates: duplicates)
            } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
                guard duplicates.count < duplicatesMax, let key = keys.first,
                    let marker = marker(duplicates.count, length: key.unicodeScalars.count),
                    let changed = replace(key, by: marker, at: context.mark, in: text)
                else {
                    throw failure(file, context.mark, "\(keys.first ?? "a key") is given more than once")
                }
                text = changed
                duplicates[marker] = key
            } catch let error as YamlError {
                throw describe(error, file: file)
            } catch {
                throw failure(file, nil, "is not YAML")
            }
        }
    }

    /// Private-use characters, which YAML allows, as many as the key has, so that no column moves.
    private static func marker(_ number: Int, length: Int) -> String? {
        guard let first = Unicode.Scalar(UInt32(0xE000 + number)) else { return nil }
        return String(Character(first)) + String(repeating: "\u{F8FF}", count: max(0, length - 1))
    }

    /// Only the parser's own words and the place: its full text would quote lines, and with them secrets.
    private static func describe(_ error: YamlError, file: String?) -> ConfigurationError {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            if problem.contains("another document") {
                return failure(file, mark, "begins another document; a configuration is one, so leave '---' out")
            }
            let place = context.map { " \($0.text)" } ?? ""
            return failure(file, mark, "is not YAML: \(problem)\(place)")
        case .reader(let problem, _, _, _):
            return failure(file, nil, "is not YAML: \(problem)")
        default:
            return failure(file, nil, "is not YAML")
        }
    }

    private static func failure(_ file: String?, _ mark: Mark?, _ message: String) -> ConfigurationError {
        ConfigurationError(problems: [
            ConfigurationProblem(
                file: file, line: mark?.line ?? 0, column: mark?.column ?? 0, message: message)
        ])
    }

    /// The text with the key at `mark`, quoted or not, replaced; nil when the key does not stand there.
    ///
    /// Works on scalars, as marks do: to a String, CR LF is one character.
    private static func replace(_ key: String, by marker: String, at mark: Mark, in text: String) -> String? {
        var scalars = Array(text.unicodeScalars)
        var start = 0
        for _ in 1..<max(mark.line, 1) {
            guard let lineEnd = scalars[start...].firstIndex(of: "\n") else { return nil }
            start = lineEnd + 1
        }
        start += mark.column - 1
        if scalars.indices.contains(start), scalars[start] == "\"" || scalars[start] == "'" { start += 1 }
        let wanted = Array(key.unicodeScalars)
        guard start >= 0, start + wanted.count <= scalars.count,
            scalars[start..<start + wanted.count].elementsEqual(wanted)
        else { return nil }
        scalars.replaceSubrange(start..<start + wanted.count, with: marker.unicodeScalars)
        var changed = String.UnicodeScalarView()
        changed.append(contentsOf: scalars)
        return String(changed)
    }
}
