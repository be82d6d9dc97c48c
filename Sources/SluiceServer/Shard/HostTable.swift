import SluiceCore

/// Which platform a Host name stands for: the configuration's `hosts:`. Immutable, shared by all shards.
package struct HostTable: Sendable {
    /// By hash of the name, so that a request costs the same however many there are.
    private let entries: [UInt64: [(name: [UInt8], platform: Platform)]]

    package init(_ hosts: [String: Platform]) {
        var entries: [UInt64: [(name: [UInt8], platform: Platform)]] = [:]
        for (name, platform) in hosts {
            let bytes = Array(name.lowercased().utf8)
            entries[bytes.withBytes { HostTable.hash($0) }, default: []].append((bytes, platform))
        }
        self.entries = entries
    }

    /// The platform of a Host header's value: its case and its port do not matter, nor does the dot of
    /// the root at its end.
    package func platform(of host: Bytes) -> Platform? {
        guard !entries.isEmpty, !host.isEmpty else { return nil }
        let name = HostTable.name(in: host)
        guard let candidates = entries[HostTable.hash(name)] else { return nil }
        for candidate in candidates where HostTable.matches(candidate.name, name) { return candidate.platform }
        return nil
    }

    private static func name(in host: Bytes) -> Bytes {
        // An IPv6 address stands in brackets (RFC 3986 section 3.2.2); its colons are no ports.
        var end = host.count
        if host[0] == UInt8(ascii: "[") {
            end = host.firstIndex(of: UInt8(ascii: "]")).map { $0 + 1 } ?? host.count
        } else if let colon = host.firstIndex(of: UInt8(ascii: ":")) {
            end = colon
        }
        if end > 1, host[end - 1] == UInt8(ascii: ".") { end -= 1 }
        return host[0..<end]
    }

    private static func matches(_ known: [UInt8], _ name: Bytes) -> Bool {
        guard known.count == name.count else { return false }
        for index in 0..<known.count where known[index] != Bytes.lowercased(name[index]) { return false }
        return true
    }

    /// FNV-1a over the lower-case name.
    private static func hash(_ name: Bytes) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in 0..<name.count {
            hash = (hash ^ UInt64(Bytes.lowercased(name[index]))) &* 0x100_0000_01B3
        }
        return hash
    }
}
