import Yams

/// Collects what is wrong while a configuration is read, so that all of it is reported at once.
///
/// Used by one thread, for the time of one load.
final class ConfigurationReader {
    let file: String?
    let environment: [String: String]
    /// Keys that the document gave twice, by the marker that stands in for the first of them.
    let duplicates: [String: String]
    private(set) var problems: [ConfigurationProblem] = []
    private(set) var warnings: [ConfigurationProblem] = []

    init(file: String?, environment: [String: String], duplicates: [String: String] = [:]) {
        self.file = file
        self.environment = environment
        self.duplicates = duplicates
    }

    func report(_ key: String, _ mark: Mark?, _ message: String) {
        problems.append(problem(key, mark, message))
    }

    func warn(_ key: String, _ mark: Mark?, _ message: String) {
        warnings.append(problem(key, mark, message))
    }

    private func problem(_ key: String, _ mark: Mark?, _ message: String) -> ConfigurationProblem {
        ConfigurationProblem(
            file: file, line: mark?.line ?? 0, column: mark?.column ?? 0, key: key, message: message)
    }
}

/// A value of the document: what it is, where it stands, and what it is called.
struct ConfigurationField {
    let reader: ConfigurationReader
    let node: Node
    let path: String

    var mark: Mark? { node.mark }

    func report(_ message: String) { reader.report(path, mark, message) }

    /// The scalar's value in the given form; nil, with the problem reported, when it has another.
    func read<Value>(_ form: Form<Value>) -> Value? {
        guard case .scalar(let scalar) = node else {
            report("expected a single value, found \(kind)")
            return nil
        }
        if isNull {
            report("has no value; leave the key out for its default")
            return nil
        }
        let result: EnvironmentSubstitution.Result
        do {
            result = try EnvironmentSubstitution.apply(scalar.string, environment: reader.environment)
        } catch {
            report(error.message)
            return nil
        }
        do {
            return try form.parse(result.text)
        } catch {
            // The text as it stands in the file: what a variable held is not shown.
            let shown = form.isSecret ? "the value" : "'\(WebAddress.masked(scalar.string).prefix(200))'"
            report("\(shown) \(error.message)")
            return nil
        }
    }

    /// The elements of a list; nil, with the problem reported, for anything else.
    func elements() -> [ConfigurationField]? {
        guard case .sequence(let sequence) = node else {
            report(
                isNull ? "has no value; leave the key out for its default" : "expected a list, found \(kind)")
            return nil
        }
        return sequence.enumerated().map {
            ConfigurationField(reader: reader, node: $0.element, path: "\(path)[\($0.offset)]")
        }
    }

    /// Each element of a list in the given form, those that are wrong left out.
    func list<Value>(_ form: Form<Value>, max: Int) -> [(value: Value, field: ConfigurationField)]? {
        guard let elements = elements() else { return nil }
        guard elements.count <= max else {
            report("has \(elements.count) elements; at most \(max) are allowed")
            return nil
        }
        return elements.compactMap { element in element.read(form).map { ($0, element) } }
    }

    /// The mapping behind this field; nil, with the problem reported, for anything else.
    func scope(keys: [String], elsewhere: [String: String] = [:]) -> ConfigurationScope? {
        guard let entries = entries() else { return nil }
        return ConfigurationScope(
            reader: reader, path: path, mark: mark, entries: entries, keys: keys, elsewhere: elsewhere)
    }

    /// Keys and values of a mapping in the order of the file; nil, with the problem reported, for
    /// anything else. Keys given twice are reported here.
    func entries() -> [(key: String, keyMark: Mark?, field: ConfigurationField)]? {
        guard case .mapping(let mapping) = node else {
            report(
                isNull
                    ? "has no value; leave the key out for its default"
                    : "expected keys and values, found \(kind)")
            return nil
        }
        var entries: [(key: String, keyMark: Mark?, field: ConfigurationField)] = []
        for (keyNode, value) in mapping {
            guard case .scalar(let scalar) = keyNode else {
                reader.report(path, keyNode.mark, "expected the name of a key")
                continue
            }
            let name = String(scalar.string.prefix(64))
            let keyPath = path.isEmpty ? name : "\(path).\(name)"
            if let original = reader.duplicates[scalar.string] {
                let originalPath = path.isEmpty ? original : "\(path).\(original)"
                reader.report(originalPath, keyNode.mark, "is given more than once")
                continue
            }
            entries.append(
                (name, keyNode.mark, ConfigurationField(reader: reader, node: value, path: keyPath)))
        }
        return entries
    }

    /// Whether the value is the plain word `off`.
    var isOff: Bool {
        guard case .scalar(let scalar) = node else { return false }
        return scalar.string == "off"
    }

    private var isNull: Bool {
        guard case .scalar(let scalar) = node, scalar.style == .plain || scalar.style == .any else {
            return false
        }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    private var kind: String {
        switch node {
        case .scalar: "a single value"
        case .mapping: "keys and values"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }
}

/// A mapping whose keys are known: everything else in it has been reported when this exists.
struct ConfigurationScope {
    let reader: ConfigurationReader
    let path: String
    let mark: Mark?
    private let fields: [String: ConfigurationField]

    /// - Parameter elsewhere: keys that are known but do not belong here, and why.
    init(
        reader: ConfigurationReader, path: String, mark: Mark?,
        entries: [(key: String, keyMark: Mark?, field: ConfigurationField)], keys: [String],
        elsewhere: [String: String]
    ) {
        self.reader = reader
        self.path = path
        self.mark = mark
        var fields: [String: ConfigurationField] = [:]
        for entry in entries {
            if keys.contains(entry.key) {
                fields[entry.key] = entry.field
            } else if let reason = elsewhere[entry.key] {
                reader.report(entry.field.path, entry.keyMark, reason)
            } else {
                reader.report(
                    entry.field.path, entry.keyMark, "unknown key\(didYouMean(entry.key, among: keys))")
            }
        }
        self.fields = fields
    }

    subscript(_ key: String) -> ConfigurationField? { fields[key] }

    /// The path of a key, whether the file gives it or not.
    func path(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// Where the key's value stands, else where the mapping does.
    func mark(of key: String) -> Mark? { fields[key]?.mark ?? mark }

    func report(_ key: String, _ message: String) { reader.report(path(of: key), mark(of: key), message) }

    func warn(_ key: String, _ message: String) { reader.warn(path(of: key), mark(of: key), message) }

    /// The key's value; nil when it is absent or, as reported, wrong.
    func read<Value>(_ key: String, _ form: Form<Value>) -> Value? { fields[key]?.read(form) }

    /// Replaces `target` where the file has a good value.
    func read<Value>(_ key: String, _ form: Form<Value>, into target: inout Value) {
        if let value = read(key, form) { target = value }
    }

    /// The key's value, which must be there.
    func require<Value>(_ key: String, _ form: Form<Value>) -> Value? {
        guard let field = fields[key] else {
            reader.report(path(of: key), mark, "is required")
            return nil
        }
        return field.read(form)
    }
}
