import Foundation

/// One case of a fixture file: what is expected, line by line, and the bytes.
struct FixtureCase: CustomStringConvertible {
    var name: String
    var expected: [(key: String, value: [UInt8])]
    var bytes: [UInt8]

    var description: String { name }

    func value(_ key: String) -> [UInt8]? { expected.first { $0.key == key }?.value }
    func text(_ key: String) -> String? { value(key).map { String(decoding: $0, as: UTF8.self) } }
}

/// Reads the files under Tests/Fixtures/http, whose form requests.txt describes.
enum FixtureFile {
    static func load(_ name: String) -> [FixtureCase] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Fixtures/http")
        let file = folder.appending(path: name)
        guard let text = try? String(contentsOf: file, encoding: .utf8) else {
            fatalError("no fixture file \(file.path)")
        }
        return parse(text)
    }

    static func parse(_ text: String) -> [FixtureCase] {
        var cases: [FixtureCase] = []
        var inBytes = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("== ") {
                cases.append(FixtureCase(name: String(line.dropFirst(3)), expected: [], bytes: []))
                inBytes = false
            } else if cases.isEmpty || line.isEmpty {
                continue
            } else if inBytes {
                cases[cases.count - 1].bytes += unescape(line)
            } else if line == "--" {
                inBytes = true
            } else {
                let parts = line.split(separator: ":", maxSplits: 1)
                let value = parts.count > 1 ? parts[1].drop { $0 == " " } : ""
                cases[cases.count - 1].expected.append((String(parts[0]), unescape(value)))
            }
        }
        return cases
    }

    static func unescape(_ text: Substring) -> [UInt8] {
        var result: [UInt8] = []
        var bytes = Array(text.utf8)[...]
        while let byte = bytes.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                result.append(byte)
                continue
            }
            switch bytes.popFirst() {
            case UInt8(ascii: "r"): result.append(0x0D)
            case UInt8(ascii: "n"): result.append(0x0A)
            case UInt8(ascii: "t"): result.append(0x09)
            case UInt8(ascii: "\\"): result.append(0x5C)
            case UInt8(ascii: "x"):
                let digits = String(decoding: bytes.prefix(2), as: UTF8.self)
                bytes = bytes.dropFirst(2)
                result.append(UInt8(digits, radix: 16)!)
            default: fatalError("unknown escape in \(text)")
            }
        }
        return result
    }
}
