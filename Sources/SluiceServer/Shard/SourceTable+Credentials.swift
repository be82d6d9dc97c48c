import SluiceCore
import SluiceHTTP

extension SourceTable {
    /// The source a request belongs to, by the credential its platform carries.
    ///
    /// Native and Topsort: `Authorization: Bearer KEY` (RFC 6750 section 2.1; the scheme's case is
    /// ignored). Native also: the query parameter `key`, since sendBeacon and image requests cannot
    /// set a header. A wrong credential never falls back to an open source.
    func find(_ head: HTTPRequestHead, platform: Platform) -> SourceEntry? {
        if !head.authorization.isEmpty {
            guard let key = SourceTable.bearer(head.authorization) else { return nil }
            return find(key: key)
        }
        if platform == .native, let key = SourceTable.queryKey(head.query) { return find(key: key) }
        return open
    }

    private static func bearer(_ authorization: Bytes) -> Bytes? {
        let value = authorization.trimmed
        guard value.count > 7, value[0..<7].equalsIgnoringCase("bearer ") else { return nil }
        return value[7..<value.count].trimmed
    }

    /// The value of `key=` as sent: configured keys are visible ASCII, and one that would need
    /// percent-encoding is not found.
    private static func queryKey(_ query: Bytes) -> Bytes? {
        var start = 0
        while start < query.count {
            let end = query.firstIndex(of: 0x26, from: start) ?? query.count
            let pair = query[start..<end]
            if pair.hasPrefix("key=") { return pair[4..<pair.count] }
            start = end + 1
        }
        return nil
    }
}
