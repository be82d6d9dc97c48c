import SluiceCore

/// What a path of the public edge stands for.
enum Route: Equatable {
    /// A platform's endpoint; `offset` is where the platform's own path begins.
    case platform(Platform, offset: Int, methods: AllowedMethods)
    /// impact.com's question what became of a conversion; `offset` as above.
    case submission(offset: Int)
    case health
    /// No such path. The platform whose prefix it carries words the answer.
    case unknown(Platform)

    /// Finds the route of a request path (without its query). Allocates nothing.
    ///
    /// - Parameter host: the platform that the request's Host stands for. Its own paths then work without
    ///   the prefix, and whatever nobody knows is answered in its words.
    static func find(_ path: Bytes, host: Platform? = nil) -> Route {
        if path.equals("/healthz") { return .health }
        if let host, let route = endpoint(host, path, offset: 0) { return route }
        if let platform = prefix(of: path) {
            let offset = platform.name.utf8CodeUnitCount + 1
            return endpoint(platform, path[offset..<path.count], offset: offset) ?? .unknown(platform)
        }
        return endpoint(.native, path, offset: 0) ?? .unknown(host ?? .native)
    }

    /// In whose words a path is answered.
    var platform: Platform {
        switch self {
        case .platform(let platform, _, _), .unknown(let platform): platform
        case .submission: .impact
        case .health: .native
        }
    }

    private static func prefix(of path: Bytes) -> Platform? {
        if path.hasPrefix("/topsort/") { return .topsort }
        if path.hasPrefix("/gowit/") { return .gowit }
        if path.hasPrefix("/vtex/") { return .vtex }
        if path.hasPrefix("/kevel/") { return .kevel }
        return path.hasPrefix("/impact/") ? .impact : nil
    }

    /// The endpoint at a platform's own path.
    private static func endpoint(_ platform: Platform, _ path: Bytes, offset: Int) -> Route? {
        switch platform {
        case .native:
            if path.equals("/v1/events") { return .platform(.native, offset: offset + 3, methods: .post) }
            guard path.equals("/v1/pixel.gif") else { return nil }
            return .platform(.native, offset: offset + 3, methods: .get)
        case .topsort:
            return path.equals("/v2/events") ? .platform(.topsort, offset: offset, methods: .post) : nil
        case .gowit:
            if path.equals("/server/sdk/events") { return .platform(.gowit, offset: offset, methods: .get) }
            guard path.equals("/events") || path.equals("/server/sdk/sale_events") else { return nil }
            return .platform(.gowit, offset: offset, methods: .post)
        case .vtex:
            return isBeacon(path) ? .platform(.vtex, offset: offset, methods: .post) : nil
        case .kevel:
            guard path.hasPrefix("/c/"), hasSegments(path, from: 3, then: "/purchase") else { return nil }
            return .platform(.kevel, offset: offset, methods: .getAndPost)
        case .impact:
            guard path.hasPrefix("/Advertisers/") else { return nil }
            if hasSegments(path, from: 13, then: "/Conversions") {
                return .platform(.impact, offset: offset, methods: .post)
            }
            return SubmissionPath(path) == nil ? nil : .submission(offset: offset)
        case .webhook:
            return nil
        }
    }

    private static func isBeacon(_ path: Bytes) -> Bool {
        guard path.hasPrefix("/v1/beacon/") else { return false }
        let rest = path[11..<path.count]
        if rest.equals("conversion") { return true }
        return rest.hasPrefix("impression/") && rest.count > 11 || rest.hasPrefix("view/") && rest.count > 5
            || rest.hasPrefix("click/") && rest.count > 6
    }

    /// Whether one segment that is not empty begins at `start`, and all that follows it is `tail`.
    private static func hasSegments(_ path: Bytes, from start: Int, then tail: StaticString) -> Bool {
        guard let slash = path.firstIndex(of: 0x2F, from: start), slash > start else { return false }
        return path[slash..<path.count].equals(tail)
    }
}

/// `/Advertisers/{account}/APISubmissions/A-{uuid}`, still percent-encoded.
struct SubmissionPath {
    let account: Bytes
    /// What the answer to the conversion was given: the prefix `A-` and the event's id.
    let id: Bytes

    init?(_ path: Bytes) {
        guard path.hasPrefix("/Advertisers/"), let slash = path.firstIndex(of: 0x2F, from: 13), slash > 13 else {
            return nil
        }
        let rest = path[slash..<path.count]
        guard rest.hasPrefix("/APISubmissions/"), rest.count > 16 else { return nil }
        let id = rest[16..<rest.count]
        guard id.firstIndex(of: 0x2F) == nil else { return nil }
        account = path[13..<slash]
        self.id = id
    }
}

/// Which methods an endpoint knows besides OPTIONS, which is answered everywhere.
enum AllowedMethods: Equatable {
    /// GET, and HEAD with it.
    case get
    case post
    case getAndPost

    func contains(_ method: RequestMethod) -> Bool {
        switch self {
        case .get: method == .get || method == .head
        case .post: method == .post
        case .getAndPost: method == .post || method == .get || method == .head
        }
    }

    /// For the header `Allow`, RFC 9110 section 10.2.1.
    var allow: StaticString {
        switch self {
        case .get: "GET, HEAD, OPTIONS"
        case .post: "POST, OPTIONS"
        case .getAndPost: "GET, HEAD, POST, OPTIONS"
        }
    }
}
