import Logging

/// One log line as it is written, without its line end.
enum LogLine {
    static func make(
        format: LogFormat, milliseconds: Int64, level: Logger.Level, label: String, message: String,
        metadata: Logger.Metadata
    ) -> String {
        switch format {
        case .text:
            text(milliseconds: milliseconds, level: level, label: label, message: message, metadata: metadata)
        case .json:
            json(milliseconds: milliseconds, level: level, label: label, message: message, metadata: metadata)
        }
    }

    /// `2026-01-02T03:04:05.678Z warning delivery: message key=value other="two words"`
    private static func text(
        milliseconds: Int64, level: Logger.Level, label: String, message: String, metadata: Logger.Metadata
    ) -> String {
        var line = "\(WallTime.text(milliseconds)) \(level.rawValue) \(label): "
        line += printable(message)
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            line += " \(key)="
            let text = value.description
            let isPlain =
                !text.isEmpty
                && !text.unicodeScalars.contains {
                    isUnsafe($0) || $0 == " " || $0 == "\"" || $0 == "="
                }
            if isPlain { line += text } else { line.appendJSON(text) }
        }
        return line
    }

    /// `{"time":…,"level":…,"logger":…,"message":…,"fields":{…}}`
    private static func json(
        milliseconds: Int64, level: Logger.Level, label: String, message: String, metadata: Logger.Metadata
    ) -> String {
        var line = "{\"time\":\"\(WallTime.text(milliseconds))\",\"level\":\"\(level.rawValue)\",\"logger\":"
        line.appendJSON(label)
        line += ",\"message\":"
        line.appendJSON(message)
        if !metadata.isEmpty {
            line += ",\"fields\":"
            append(.dictionary(metadata), to: &line)
        }
        return line + "}"
    }

    private static func append(_ value: Logger.MetadataValue, to line: inout String) {
        switch value {
        case .string(let text): line.appendJSON(text)
        case .stringConvertible(let number as Int): line += String(number)
        case .stringConvertible(let number as Int64): line += String(number)
        case .stringConvertible(let flag as Bool): line += flag ? "true" : "false"
        case .stringConvertible(let other): line.appendJSON(other.description)
        case .array(let elements):
            line += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { line += "," }
                append(element, to: &line)
            }
            line += "]"
        case .dictionary(let members):
            line += "{"
            for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { line += "," }
                line.appendJSON(member.key)
                line += ":"
                append(member.value, to: &line)
            }
            line += "}"
        }
    }

    /// Control characters would forge lines or drive the terminal.
    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value == 0x2028
            || scalar.value == 0x2029
    }

    /// `text` on one line and without control characters.
    static func printable(_ text: String) -> String {
        text.unicodeScalars.contains(where: isUnsafe) ? escaped(text) : text
    }

    private static func escaped(_ text: String) -> String {
        var quoted = ""
        quoted.appendJSON(text)
        return String(quoted.dropFirst().dropLast())
    }
}
