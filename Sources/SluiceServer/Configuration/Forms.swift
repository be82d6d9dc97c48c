import Glibc

/// What is wrong with a value's form: continues a sentence that begins with the value.
package struct FormError: Error, Equatable {
    package var message: String
    package init(_ message: String) { self.message = message }
}

/// How the text of a scalar becomes a value.
package struct Form<Value>: Sendable {
    /// Whether the value must never be shown, not even when it is wrong.
    var isSecret = false
    package var parse: @Sendable (String) throws(FormError) -> Value
}

extension Form where Value == String {
    /// Any text with something in it.
    static var text: Form {
        Form { (text) throws(FormError) in
            guard !text.isEmpty else { throw FormError("is empty") }
            guard text.utf8.count <= 1024 else { throw FormError("is longer than 1024 bytes") }
            guard text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }) else {
                throw FormError("holds a control character")
            }
            return text
        }
    }

    /// A name of ours: it goes into events, metrics and file names without any escaping.
    static var name: Form {
        Form { (text) throws(FormError) in
            let allowed = text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                    || $0 == 0x2E || $0 == 0x5F || $0 == 0x2D
            }
            guard allowed, (1...64).contains(text.utf8.count) else {
                throw FormError("is not a name: 1 to 64 of the characters A-Z a-z 0-9 . _ -")
            }
            return text
        }
    }

    /// An identifier some platform gave out, which travels in paths, queries and headers.
    static var identifier: Form {
        Form { (text) throws(FormError) in
            guard (1...255).contains(text.utf8.count), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
            else {
                throw FormError("is not an identifier: 1 to 255 printable ASCII characters without spaces")
            }
            return text
        }
    }

    /// An account that is a segment of its platform's paths.
    static var account: Form {
        Form { (text) throws(FormError) in
            let allowed = text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                    || $0 == 0x5F || $0 == 0x2D
            }
            guard allowed, (1...64).contains(text.utf8.count) else {
                throw FormError("is not an account: 1 to 64 of the characters A-Z a-z 0-9 _ -")
            }
            return text
        }
    }

    /// RFC 9562 text form; kept in lower case.
    static var uuid: Form {
        Form { (text) throws(FormError) in
            let lowered = text.lowercased()
            let groups = lowered.split(separator: "-", omittingEmptySubsequences: false)
            let isHex = lowered.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x61...0x66).contains($0) || $0 == 0x2D
            }
            guard isHex, groups.map(\.utf8.count) == [8, 4, 4, 4, 12] else {
                throw FormError("is not a UUID: expected the form 7d0f3f0e-6f0b-4a53-9a6e-0c6c2f1f7f10")
            }
            return lowered
        }
    }

    /// A value of the header `Origin` as browsers send it (RFC 6454, section 6.2): scheme, host and a
    /// port other than the scheme's own. Kept in lower case.
    static var origin: Form {
        Form { (text) throws(FormError) in
            let url = try WebAddress.parse(
                text.lowercased(), what: "an origin", example: "https://shop.example")
            guard url.path.isEmpty, url.query == nil else {
                throw FormError(
                    "is not an origin: nothing may follow the host and port; write '\(url.origin)'")
            }
            if let port = url.port, port == url.defaultPort {
                throw FormError(
                    "names the scheme's own port, which browsers leave out; write '\(url.scheme)://\(url.host)'"
                )
            }
            return url.origin
        }
    }

    /// A value of the header `Host` without its port. Kept in lower case.
    static var hostName: Form {
        Form { (text) throws(FormError) in
            let lowered = text.lowercased()
            guard WebAddress.isHost(lowered) else {
                throw FormError(
                    "is not a host name: expected the form events.shop.example, without scheme and port")
            }
            return lowered
        }
    }

    /// A path in the file system.
    static var path: Form {
        Form { (text) throws(FormError) in
            guard !text.isEmpty else { throw FormError("is empty") }
            guard text.utf8.count <= 4095, !text.utf8.contains(0) else { throw FormError("is not a path") }
            return text
        }
    }
}

extension Form where Value == Secret {
    /// A credential that travels in a header: visible ASCII characters.
    static var credential: Form {
        Form(isSecret: true) { (text) throws(FormError) in
            guard !text.isEmpty else { throw FormError("is empty") }
            guard text.utf8.count <= 1024 else { throw FormError("is longer than 1024 bytes") }
            guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                throw FormError("holds a space or a character that is not printable ASCII")
            }
            return Secret(text)
        }
    }

    /// A key for signatures: never sent, so any text will do.
    static var signingKey: Form {
        Form(isSecret: true) { (text) throws(FormError) in
            guard !text.isEmpty else { throw FormError("is empty") }
            guard text.utf8.count <= 1024 else { throw FormError("is longer than 1024 bytes") }
            return Secret(text)
        }
    }

    /// The value of a header line (RFC 9110, section 5.5), in ASCII.
    static var headerValue: Form {
        Form(isSecret: true) { (text) throws(FormError) in
            guard text.utf8.count <= 4096 else { throw FormError("is longer than 4096 bytes") }
            guard text.utf8.allSatisfy({ ($0 >= 0x20 && $0 < 0x7F) || $0 == 0x09 }) else {
                throw FormError("holds a character that may not stand in a header")
            }
            return Secret(text)
        }
    }
}

extension Form where Value == Bool {
    static var bool: Form {
        Form { (text) throws(FormError) in
            switch text {
            case "true": return true
            case "false": return false
            default: throw FormError("is neither true nor false")
            }
        }
    }
}

extension Form where Value == Int {
    static func integer(_ range: ClosedRange<Int>) -> Form {
        Form { (text) throws(FormError) in
            guard let value = Int(text), text.utf8.first != UInt8(ascii: "+") else {
                throw FormError("is not a whole number")
            }
            guard range.contains(value) else {
                throw FormError("is out of range: from \(range.lowerBound) to \(range.upperBound)")
            }
            return value
        }
    }

    /// Bytes: a whole number, alone or with B, KB, MB, GB, TB (powers of 1000), KiB, MiB, GiB, TiB
    /// (powers of 1024).
    static func size(_ range: ClosedRange<Int>) -> Form {
        Form { (text) throws(FormError) in
            let bytes = try ByteSize.parse(text)
            guard range.contains(bytes) else {
                throw FormError(
                    "is out of range: from \(ByteSize.text(range.lowerBound)) to \(ByteSize.text(range.upperBound))"
                )
            }
            return bytes
        }
    }

    /// Milliseconds: whole numbers with ms, s, m, h or d, largest unit first, as in `1h30m`.
    static func duration(_ range: ClosedRange<Int>) -> Form {
        Form { (text) throws(FormError) in
            let milliseconds = try Duration.parseMilliseconds(text)
            guard range.contains(milliseconds) else {
                throw FormError(
                    "is out of range: from \(Duration.text(milliseconds: range.lowerBound)) to \(Duration.text(milliseconds: range.upperBound))"
                )
            }
            return milliseconds
        }
    }
}

extension Form where Value: Sendable {
    /// One of the given words.
    static func word(_ words: [(String, Value)]) -> Form {
        let names = words.map(\.0)
        return Form { (text) throws(FormError) in
            if let match = words.first(where: { $0.0 == text }) { return match.1 }
            let expected =
                names.count == 1
                ? names[0] : names.dropLast().joined(separator: ", ") + " or " + names[names.count - 1]
            throw FormError("is not known: expected \(expected)\(didYouMean(text, among: names))")
        }
    }
}
