import Glibc

/// Where a server listens: an IP address or host name, and a port.
package struct Endpoint: Sendable, Hashable, CustomStringConvertible {
    /// An IPv4 or IPv6 address in text form, without brackets, or a host name.
    package var host: String
    /// 0 lets the kernel choose.
    package var port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    package var isIPv6: Bool { host.utf8.contains(UInt8(ascii: ":")) }

    /// Whether only this machine can reach it.
    package var isLoopback: Bool {
        host == "localhost" || host == "::1" || (Endpoint.isIPv4(host) && host.hasPrefix("127."))
    }

    /// Whether it stands for all addresses of the machine.
    package var isWildcard: Bool { host == "0.0.0.0" || host == "::" }

    /// Whether a listener on one would get in the way of a listener on the other.
    package func clashes(with other: Endpoint) -> Bool {
        guard port == other.port, port != 0 else { return false }
        return host == other.host || isWildcard || other.isWildcard
    }

    package var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

    static func isIPv4(_ text: String) -> Bool {
        var address = in_addr()
        // Safety: the text is lent for the call; inet_pton writes one in_addr.
        return unsafe inet_pton(AF_INET, text, &address) == 1
    }

    static func isIPv6(_ text: String) -> Bool {
        var address = in6_addr()
        // Safety: the text is lent for the call; inet_pton writes one in6_addr.
        return unsafe inet_pton(AF_INET6, text, &address) == 1
    }

    package static func parse(_ text: String) throws(FormError) -> Endpoint {
        let problem = FormError("is not an address: expected the form 127.0.0.1:8080 or [::1]:8080")
        guard let colon = text.lastIndex(of: ":") else {
            throw FormError("has no port: expected the form 127.0.0.1:8080 or [::1]:8080")
        }
        let portText = text[colon...].dropFirst()
        guard !portText.isEmpty, portText.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw problem
        }
        guard let port = UInt16(portText) else { throw FormError("has a port above 65535") }
        var host = String(text[..<colon]).lowercased()
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
            guard isIPv6(host) else { throw problem }
        } else {
            if host.utf8.contains(UInt8(ascii: ":")) {
                throw FormError("is an IPv6 address without brackets: expected the form [::1]:8080")
            }
            guard WebAddress.isHost(host) else { throw problem }
        }
        return Endpoint(host: host, port: port)
    }
}

extension Form where Value == Endpoint {
    static var endpoint: Form { Form { (text) throws(FormError) in try Endpoint.parse(text) } }
}

/// An `http` or `https` URL, taken apart as far as the configuration needs it.
package struct WebAddress: Sendable, Equatable, CustomStringConvertible {
    package var scheme: String
    /// In lower case; an IPv6 address with its brackets.
    package var host: String
    package var port: Int?
    /// Empty or beginning with `/`.
    package var path: String
    /// Behind `?`; nil when there is none.
    package var query: String?

    package init(scheme: String, host: String, port: Int? = nil, path: String, query: String? = nil) {
        self.scheme = scheme
        self.host = host
        self.port = port
        self.path = path
        self.query = query
    }

    package var isSecure: Bool { scheme == "https" }
    var defaultPort: Int { isSecure ? 443 : 80 }
    package var origin: String { "\(scheme)://\(host)" + (port.map { ":\($0)" } ?? "") }
    package var description: String { origin + path + (query.map { "?\($0)" } ?? "") }

    /// Whether requests to it stay on this machine.
    package var isLoopback: Bool {
        host == "localhost" || host == "[::1]" || (Endpoint.isIPv4(host) && host.hasPrefix("127."))
    }

    /// `text` as it may stand in a message: when it looks like a URL, without user name, password and query,
    /// which may be credentials.
    package static func masked(_ text: String) -> String {
        guard let mark = text.firstRange(of: "://") else { return text }
        let rest = text[mark.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        var tail = rest[authority.endIndex...]
        var shown = String(text[..<mark.upperBound])
        // A password may hold a slash that should have been encoded: the last '@' ends it.
        if let at = rest.lastIndex(of: "@") {
            shown += "(secret)@"
            tail = rest[at...].dropFirst()
        } else {
            shown += authority
        }
        if let question = tail.firstIndex(of: "?") { return shown + tail[...question] + "(secret)" }
        return shown + tail
    }

    package static func parse(
        _ text: String, what: String = "a URL", example: String = "https://api.example.com"
    ) throws(FormError) -> WebAddress {
        let expected = "expected the form \(example)"
        guard text.utf8.count <= 2048 else { throw FormError("is longer than 2048 bytes") }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw FormError("is not \(what): it holds a space or a character that must be percent-encoded")
        }
        guard let mark = text.firstRange(of: "://") else {
            throw FormError("is not \(what): it has no scheme; \(expected)")
        }
        let scheme = text[..<mark.lowerBound].lowercased()
        guard scheme == "http" || scheme == "https" else {
            throw FormError("is not \(what): its scheme is not http or https; \(expected)")
        }
        let rest = text[mark.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        var tail = rest[authority.endIndex...]
        guard !tail.contains("#") else {
            throw FormError("is not \(what) to send to: it has a fragment ('#')")
        }
        guard !authority.contains("@") else {
            throw FormError("holds a user name or password; give credentials in keys of their own")
        }
        var query: String?
        if let question = tail.firstIndex(of: "?") {
            query = String(tail[question...].dropFirst())
            tail = tail[..<question]
        }
        let (host, port) = try hostAndPort(authority, what: what, expected: expected)
        return WebAddress(scheme: scheme, host: host, port: port, path: String(tail), query: query)
    }

    private static func hostAndPort(
        _ authority: Substring, what: String, expected: String
    ) throws(FormError) -> (String, Int?) {
        var host = authority
        var port: Int?
        let afterBracket = authority.lastIndex(of: "]") ?? authority.startIndex
        if let colon = authority[afterBracket...].lastIndex(of: ":") {
            let digits = authority[colon...].dropFirst()
            guard let number = Int(digits), (1...65_535).contains(number),
                digits.utf8.allSatisfy({ (0x30...0x39).contains($0) })
            else { throw FormError("is not \(what): its port is not a number from 1 to 65535") }
            port = number
            host = authority[..<colon]
        }
        guard !host.isEmpty else { throw FormError("is not \(what): it has no host; \(expected)") }
        let lowered = host.lowercased()
        let isBracketed = lowered.hasPrefix("[") && lowered.hasSuffix("]")
        guard isBracketed ? Endpoint.isIPv6(String(lowered.dropFirst().dropLast())) : isHost(lowered) else {
            throw FormError("is not \(what): its host is not a host name or an IP address; \(expected)")
        }
        return (lowered, port)
    }

    /// Letters, digits, `-` and `_` in labels of at most 63, at most 253 in all; an all-digit last label
    /// is taken as IPv4 and must then be one.
    static func isHost(_ text: String) -> Bool {
        guard (1...253).contains(text.utf8.count) else { return false }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        for label in labels {
            guard (1...63).contains(label.utf8.count), !label.hasPrefix("-"), !label.hasSuffix("-"),
                label.utf8.allSatisfy({
                    (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || (0x41...0x5A).contains($0)
                        || $0 == 0x2D || $0 == 0x5F
                })
            else { return false }
        }
        if labels[labels.count - 1].utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            return Endpoint.isIPv4(text)
        }
        return true
    }
}

extension Form where Value == WebAddress {
    static var url: Form { Form { (text) throws(FormError) in try WebAddress.parse(text) } }
}
