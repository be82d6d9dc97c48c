import CLinuxIO

/// Where to listen: a host and a port, as configured.
package struct ListenAddress: Equatable, Sendable, CustomStringConvertible {
    /// A numeric address without brackets, or a name.
    package let host: String
    /// 0: the kernel chooses.
    package let port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `127.0.0.1:8080`, `[::1]:8080` or `name:8080`. Port 0 lets the kernel choose.
    package static func parse(_ text: String) throws(ListenAddressError) -> ListenAddress {
        let host: Substring
        let rest: Substring
        if text.hasPrefix("[") {
            guard let close = text.firstIndex(of: "]") else { throw .unclosedBracket }
            host = text[text.index(after: text.startIndex)..<close]
            rest = text[text.index(after: close)...]
            guard PeerAddress(numeric: String(host), port: 0)?.isV6 == true else { throw .badHost }
        } else {
            guard let colon = text.firstIndex(of: ":") else { throw .missingPort }
            host = text[..<colon]
            rest = text[colon...]
        }
        guard rest.first == ":" else { throw .missingPort }
        let digits = rest.dropFirst()
        if digits.contains(":") { throw .bareIPv6 }
        guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 &- 0x30 < 10 }), let port = UInt16(digits)
        else { throw .badPort }
        guard !host.isEmpty, !host.contains(where: { $0.isWhitespace || $0 == "\0" || $0 == "/" }) else {
            throw .badHost
        }
        return ListenAddress(host: String(host), port: port)
    }

    /// The numeric addresses behind `host`; several where a name has several.
    package func resolve() throws(ListenError) -> [PeerAddress] {
        if let numeric = PeerAddress(numeric: host, port: port) { return [numeric] }
        var found = [clio_address](repeating: clio_address(), count: 16)
        // Safety: the call writes at most `count` addresses; `host` is a terminated C string.
        let count = unsafe clio_resolve(host, port, &found, Int32(found.count))
        guard count > 0 else {
            // Safety: the message is a constant of the C library.
            let message = count == 0 ? "no address" : unsafe String(cString: clio_resolve_message(count))
            throw .unknownHost(host, message)
        }
        return found[0..<Int(count)].map(PeerAddress.init)
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// Why a text is no address to listen on.
package enum ListenAddressError: Error, Equatable {
    case unclosedBracket, missingPort, badPort, badHost, bareIPv6

    /// A stable label.
    package var label: String { message }

    package var message: String {
        switch self {
        case .unclosedBracket: "'[' without ']'"
        case .missingPort: "no port: write host:port"
        case .badPort: "the port must be a number from 0 to 65535"
        case .badHost: "the host must be a name, an IPv4 address, or an IPv6 address in brackets"
        case .bareIPv6: "an IPv6 address needs brackets: [address]:port"
        }
    }
}
