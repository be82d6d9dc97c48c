/// One thing that is wrong with a configuration, and where.
package struct ConfigurationProblem: Sendable, Equatable, CustomStringConvertible {
    /// The file as it was named, or nil for a problem of the defaults.
    package var file: String?
    /// From 1; 0 when the problem belongs to no line.
    package var line: Int
    /// From 1, counted in Unicode scalars; 0 when the problem belongs to no line.
    package var column: Int
    /// The key's path, as in `sources[0].keys[1]`; empty for the document as a whole.
    package var key: String
    /// What is wrong and what is expected. Never holds a secret.
    package var message: String

    package init(file: String?, line: Int = 0, column: Int = 0, key: String = "", message: String) {
        self.file = file
        self.line = line
        self.column = column
        self.key = key
        self.message = message
    }

    /// `file:line:column: key.path: message`, without the parts that are not known.
    package var description: String {
        var parts: [String] = []
        if let file { parts.append(line > 0 ? "\(file):\(line):\(column)" : file) }
        if !key.isEmpty { parts.append(key) }
        parts.append(message)
        return parts.joined(separator: ": ")
    }
}

/// A configuration that cannot be used: everything that is wrong with it, in the order of the file.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    package var problems: [ConfigurationProblem]

    package init(problems: [ConfigurationProblem]) { self.problems = problems }

    package var description: String { problems.map(\.description).joined(separator: "\n") }
}
