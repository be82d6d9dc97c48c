import SluiceCore
import SluiceHTTP

/// Whose request it is, as far as its head tells.
enum SourceSearch {
    case found(SourceEntry)
    /// Nothing in the head names the source, and this is the one that is meant if the body names none either.
    case assumed(SourceEntry)
    /// Only the body can tell; the decoder asks its `SourceDirectory`.
    case inBody
    /// No credential, or one that nobody has.
    case refused

    init(_ entry: SourceEntry?) {
        self = entry.map { .found($0) } ?? .refused
    }

    var entry: SourceEntry? {
        switch self {
        case .found(let entry), .assumed(let entry): entry
        case .inBody, .refused: nil
        }
    }

    var isAssumed: Bool {
        if case .assumed = self { true } else { false }
    }
}

extension SourceTable {
    /// The source a request belongs to, by the credential its platform carries.
    ///
    /// A wrong credential never falls back to the open source. An account that stands in a path or a query,
    /// or a data source's UUID, is a credential as soon as some source has one of the kind; while none has,
    /// they are only what that platform's requests look like, and the open source takes them.
    ///
    /// - Parameters:
    ///   - path: behind the platform's prefix.
    ///   - scratch: reused memory.
    func find(_ head: HTTPRequestHead, platform: Platform, path: Bytes, scratch: inout ByteBuffer) -> SourceSearch {
        switch platform {
        case .native, .topsort, .webhook: SourceSearch(byBearer(head, platform: platform, scratch: &scratch))
        case .gowit: gowit(head, path: path)
        case .vtex: vtex(head, path: path, scratch: &scratch)
        case .kevel: SourceSearch(kevel(path))
        case .impact: SourceSearch(impact(head, path: path, scratch: &scratch))
        }
    }

    // MARK: native, Topsort

    /// `Authorization: Bearer KEY` (RFC 6750 section 2.1; the scheme's case is ignored). Native also: the
    /// query parameter `key`, since sendBeacon and image requests cannot set a header.
    private func byBearer(
        _ head: HTTPRequestHead, platform: Platform, scratch: inout ByteBuffer
    ) -> SourceEntry? {
        if !head.authorization.isEmpty {
            guard let key = SourceTable.bearer(head.authorization) else { return nil }
            return find(key: key)
        }
        guard platform == .native,
            let key = SourceTable.parameter("key", in: head.query, scratch: &scratch)
        else { return open }
        return find(key: key)
    }

    private static func bearer(_ authorization: Bytes) -> Bytes? {
        let value = authorization.trimmed
        guard value.count > 7, value[0..<7].equalsIgnoringCase("bearer ") else { return nil }
        return value[7..<value.count].trimmed
    }

    /// The value of the first parameter with this name, decoded into `scratch`: empty where the value is no
    /// percent-encoded text, and nil where there is no such parameter. Keys and accounts hold no space, so a
    /// `+` that was not encoded can only mean itself.
    private static func parameter(
        _ name: StaticString, in query: Bytes, scratch: inout ByteBuffer
    ) -> Bytes? {
        var query = QueryParser(query)
        while let parameter = query.next() {
            guard parameter.isNamed(name) else { continue }
            scratch.removeAll()
            guard (try? PercentEncoding.decode(parameter.value, plusIsSpace: false, into: &scratch)) != nil else {
                return .empty
            }
            return scratch.bytes
        }
        return nil
    }

    // MARK: GoWit

    /// The API key as the whole value of Authorization, else the data source's UUID. What GoWit's SDK sends
    /// from pages carries neither: then the page's origin tells (of a GET also its referrer's), or the marketplace in the body, or there is
    /// one source with a marketplace only.
    private func gowit(_ head: HTTPRequestHead, path: Bytes) -> SourceSearch {
        let data = head.dataSourceUUID.trimmed
        if !head.authorization.isEmpty {
            guard let entry = find(key: head.authorization.trimmed) else { return .refused }
            // Two credentials that contradict each other: one of them is wrong.
            guard data.isEmpty || entry.dataSource.isEmpty || entry.hasDataSource(data) else { return .refused }
            return .found(entry)
        }
        let isKnown = hasAccounts(.gowit)
        if !data.isEmpty {
            if let entry = find(dataSource: data) { return .found(entry) }
            return SourceSearch(isKnown || hasDataSources ? nil : open)
        }
        guard isKnown else { return SourceSearch(open) }
        if path.equals("/server/sdk/sale_events") { return .inBody }
        guard path.equals("/server/sdk/events") else { return SourceSearch(open) }
        if let entry = byOrigin(SourceTable.page(of: head), platform: .gowit) ?? onlySource(.gowit) ?? open {
            return .found(entry)
        }
        return .inBody
    }

    /// The origin of the page that sent the request. Browsers leave `Origin` out of images and of other simple
    /// GETs; then `Referer` tells it.
    private static func page(of head: HTTPRequestHead) -> Bytes {
        guard head.origin.isEmpty, head.method == .get || head.method == .head else { return head.origin }
        let url = head.referrer
        guard url.hasPrefix("https://") || url.hasPrefix("http://"), let colon = url.firstIndex(of: 0x3A) else {
            return .empty
        }
        var end = colon + 3
        while end < url.count, url[end] != 0x2F, url[end] != 0x3F, url[end] != 0x23 { end += 1 }
        return url[0..<end]
    }

    // MARK: VTEX Ads

    /// The publisher of the signed query, or else of the body, as in a conversion. Else the page's origin, else
    /// there is one source with a publisher only. VTEX Ads knows no 401: the decoder refuses what fits none.
    private func vtex(_ head: HTTPRequestHead, path: Bytes, scratch: inout ByteBuffer) -> SourceSearch {
        guard hasAccounts(.vtex) else { return open.map { .found($0) } ?? .inBody }
        if let publisher = SourceTable.parameter("publisher_id", in: head.query, scratch: &scratch) {
            return find(account: publisher, platform: .vtex).map { .found($0) } ?? .inBody
        }
        if path.equals("/v1/beacon/conversion") { return .inBody }
        let entry = byOrigin(head.origin, platform: .vtex) ?? onlySource(.vtex) ?? open
        return entry.map { .assumed($0) } ?? .inBody
    }

    // MARK: Kevel

    /// The network of `/c/{network}/purchase`; there is no other credential.
    private func kevel(_ path: Bytes) -> SourceEntry? {
        guard hasAccounts(.kevel) else { return open }
        guard path.hasPrefix("/c/"), let slash = path.firstIndex(of: 0x2F, from: 3) else { return nil }
        return find(account: path[3..<slash], platform: .kevel)
    }

    // MARK: impact.com

    /// Basic with account and token; the account must be that of the path, `/Advertisers/{account}/…`.
    private func impact(_ head: HTTPRequestHead, path: Bytes, scratch: inout ByteBuffer) -> SourceEntry? {
        guard path.hasPrefix("/Advertisers/"), let slash = path.firstIndex(of: 0x2F, from: 13) else { return nil }
        let account = path[13..<slash]
        guard !head.authorization.isEmpty else { return hasAccounts(.impact) ? nil : open }
        guard let credential = BasicCredential(head.authorization, scratch: &scratch),
            credential.user.equals(account), let entry = find(account: account, platform: .impact),
            entry.hasKey(credential.password)
        else { return nil }
        return entry
    }
}
