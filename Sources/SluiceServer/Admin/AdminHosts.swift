/// By which names the admin port may be asked.
///
/// A page in the operator's browser may have its own name lead to 127.0.0.1 (DNS rebinding). The browser then
/// takes the admin port for the page's own site and lets it read every answer, but it still sends the page's
/// name as Host. A port that only this machine reaches has no business with such names.
package struct AdminHosts: Sendable {
    /// The configured host; nil where other machines reach the port, by names nobody knows here.
    private let configured: String?
    /// They say nothing that a page could use, and load balancers ask for them by all kinds of names.
    private static let openPaths: Set<String> = ["/healthz", "/readyz"]

    /// - Parameter endpoint: where the admin port listens.
    package init(_ endpoint: Endpoint) { configured = endpoint.isLoopback ? endpoint.host : nil }

    /// The answer to a request that names another host; nil when it may be answered.
    ///
    /// - Parameter headers: names in lower case. Without any Host it is HTTP/1.0, and no browser.
    package func refusal(path: String, headers: [(name: String, value: String)]) -> AdminResponse? {
        guard let configured, !AdminHosts.openPaths.contains(path) else { return nil }
        let foreign = headers.first { header in
            guard header.name == "host" else { return false }
            guard let host = AdminHosts.host(header.value) else { return true }
            return host != configured && !Endpoint(host: host, port: 0).isLoopback
        }
        guard let foreign else { return nil }
        return .problem(
            421, "foreign_host",
            "this port is only for requests to localhost, 127.0.0.1 or [::1], not to"
                + " '\(LogLine.printable(String(foreign.value.prefix(256))))'; a proxy must set Host")
    }

    /// The host of `host[:port]`, in lower case and without brackets; nil when it is something else.
    private static func host(_ value: String) -> String? {
        let value = value.lowercased()
        let host: Substring
        let rest: Substring
        if value.hasPrefix("[") {
            guard let end = value.firstIndex(of: "]") else { return nil }
            host = value[value.index(after: value.startIndex)..<end]
            rest = value[value.index(after: end)...]
        } else {
            host = value.prefix { $0 != ":" }
            rest = value[host.endIndex...]
        }
        guard rest.isEmpty || rest.hasPrefix(":"), rest.dropFirst().utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        // A name with a dot at its end is the same name.
        return String(host.hasSuffix(".") ? host.dropLast() : host)
    }
}
