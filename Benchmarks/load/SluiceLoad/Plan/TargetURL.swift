import SluiceIO

/// Why a URL cannot be loaded.
package enum TargetURLError: Error, Equatable, CustomStringConvertible {
    case notHTTP, encrypted, noHost, badPort, badCharacter

    /// A stable label.
    package var label: String {
        switch self {
        case .notHTTP: "not_http"
        case .encrypted: "encrypted"
        case .noHost: "no_host"
        case .badPort: "bad_port"
        case .badCharacter: "bad_character"
        }
    }

    package var description: String {
        switch self {
        case .notHTTP: "the URL must begin with http://"
        case .encrypted:
            "TLS is not spoken: load the gateway's plain port, or what stands in front of it with another tool"
        case .noHost: "the URL has no host"
        case .badPort: "the URL's port must be a number from 1 to 65535"
        case .badCharacter: "the URL holds a space or a control character"
        }
    }
}

/// `http://host:port/path`.
package struct TargetURL: Equatable, Sendable {
    /// Without brackets.
    package let host: String
    package let port: UInt16
    /// Path and query as written; empty where the URL has none, or only `/`.
    package let path: String

    package init(_ text: String) throws(TargetURLError) {
        guard !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) else { throw .badCharacter }
        if text.lowercased().hasPrefix("https://") { throw .encrypted }
        guard text.lowercased().hasPrefix("http://") else { throw .notHTTP }
        let rest = text.dropFirst(7)
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let authority = rest[..<end]
        let path = rest[end...].prefix { $0 != "#" }
        self.path = path == "/" ? "" : path.hasPrefix("?") ? "/" + path : String(path)
        var host = authority
        var port: UInt16 = 80
        let closing = authority.lastIndex(of: "]")
        if let colon = authority.lastIndex(of: ":"), closing.map({ colon > $0 }) ?? true {
            guard let number = UInt16(authority[authority.index(after: colon)...]), number > 0 else {
                throw .badPort
            }
            port = number
            host = authority[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty else { throw .noHost }
        self.host = String(host)
        self.port = port
    }

    /// For the Host field.
    package var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == 80 ? name : "\(name):\(port)"
    }
}
