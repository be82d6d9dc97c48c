import SluiceCore

/// What a path of the public edge stands for.
enum Route: Equatable {
    /// A platform's endpoint; `offset` is where the platform's own path begins.
    case platform(Platform, offset: Int, methods: AllowedMethods)
    case health
    /// No such path. The platform whose prefix it carries words the answer.
    case unknown(Platform)

    /// Finds the route of a request path (without its query). Allocates nothing.
    static func find(_ path: Bytes) -> Route {
        if path.hasPrefix("/v1/") { return native(path) }
        if path.hasPrefix("/topsort/") {
            return path.equals("/topsort/v2/events")
                ? .platform(.topsort, offset: 8, methods: .post) : .unknown(.topsort)
        }
        if path.equals("/healthz") { return .health }
        return .unknown(.native)
    }

    private static func native(_ path: Bytes) -> Route {
        if path.equals("/v1/events") { return .platform(.native, offset: 3, methods: .post) }
        if path.equals("/v1/pixel.gif") { return .platform(.native, offset: 3, methods: .get) }
        return .unknown(.native)
    }
}

/// Which methods an endpoint knows besides OPTIONS, which is answered everywhere.
enum AllowedMethods: Equatable {
    /// GET, and HEAD with it.
    case get
    case post

    func contains(_ method: RequestMethod) -> Bool {
        switch self {
        case .get: method == .get || method == .head
        case .post: method == .post
        }
    }

    /// For the header `Allow`, RFC 9110 section 10.2.1.
    var allow: StaticString {
        switch self {
        case .get: "GET, HEAD, OPTIONS"
        case .post: "POST, OPTIONS"
        }
    }
}
