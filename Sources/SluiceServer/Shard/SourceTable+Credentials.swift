import SluiceCore
import SluiceHTTP

extension SourceTable {
    /// The source a request belongs to, by the credential its platform carries.
    ///
    /// Native and Topsort: `Authorization: Bearer KEY` (RFC 6750 section 2.1; the scheme's case is
    /// ignored). Native also: the query parameter `key`, since sendBeacon and image requests cannot
    /// set a header. A wrong credential never falls back to an open source.
    ///
    /// - Parameter scratch: memory for a key that has to be decoded.
    func find(
        _ head: HTTPRequestHead, platform: Platform, scratch: inout ByteBuffer
    ) -> SourceEntry? {
        if !head.authorization.isEmpty {
            guard let key = SourceTable.bearer(head.authorization) else { return nil }
            return find(key: key)
        }
        guard platform == .native else { return open }
        var query = QueryParser(head.query)
        while let parameter = query.next() {
            guard parameter.isNamed("key") else { continue }
            return find(encodedKey: parameter.value, scratch: &scratch)
        }
        return open
    }

    private static func bearer(_ authorization: Bytes) -> Bytes? {
        let value = authorization.trimmed
        guard value.count > 7, value[0..<7].equalsIgnoringCase("bearer ") else { return nil }
        return value[7..<value.count].trimmed
    }

    /// A key holds no space, so a `+` that was not encoded can only mean itself.
    private func find(encodedKey text: Bytes, scratch: inout ByteBuffer) -> SourceEntry? {
        scratch.removeAll()
        do throws(PercentEncodingError) {
            try PercentEncoding.decode(text, plusIsSpace: false, into: &scratch)
        } catch {
            return nil
        }
        return find(key: scratch.bytes)
    }
}
