import SluiceCore

/// What an answer says about the connection.
package enum HTTPPersistence: UInt8, Sendable {
    /// It stays open, as HTTP/1.1 takes for granted: no header line.
    case implied
    /// It stays open, and a client of HTTP/1.0 has to be told.
    case keepAlive
    /// It closes after this answer.
    case close

    package init(keepAlive: Bool, versionMinor: Int = 1) {
        self = keepAlive ? (versionMinor == 0 ? .keepAlive : .implied) : .close
    }
}

extension HTTPRequestHead {
    package var persistence: HTTPPersistence {
        HTTPPersistence(keepAlive: keepAlive, versionMinor: versionMinor)
    }
}

/// The promise an answer carries, as the header `Sluice-Acknowledge`.
package enum HTTPAcknowledge: UInt8, Sendable {
    case none, committed, received
}

/// The `X-RateLimit-*` headers.
package struct HTTPRateLimit: Sendable {
    /// Requests a window allows, and how many are left of it.
    package var limit: Int
    package var remaining: Int
    /// As the platform counts it: seconds until the window ends, or since 1970.
    package var reset: Int

    package init(limit: Int, remaining: Int, reset: Int) {
        self.limit = limit
        self.remaining = remaining
        self.reset = reset
    }
}

/// The part of a response head that is the same for many answers.
package struct HTTPResponseHead {
    /// One of the statuses the gateway uses; any other traps.
    package var status: Int
    /// Empty: no `Content-Type`.
    package var contentType: StaticString
    package var acknowledge = HTTPAcknowledge.none
    /// Adds `Cache-Control: no-store`.
    package var noStore = false
    /// The value of `Allow`, `GET, HEAD` for instance; empty: none.
    package var allow: StaticString = ""
    /// The value of `WWW-Authenticate`; empty: none.
    package var authenticate: StaticString = ""
    /// Further complete lines, each ending in CR LF; empty: none. For what only one platform says.
    package var extraLines: StaticString = ""

    package init(status: Int, contentType: StaticString = "") {
        self.status = status
        self.contentType = contentType
    }
}

/// The part of a response head that belongs to one request.
package struct HTTPResponseOptions {
    package var persistence: HTTPPersistence
    /// The request was HEAD: the headers are those of the whole answer, the body stays here.
    package var isHead: Bool
    /// The request's `Origin`, when it may read the answer; empty: no CORS lines. Bytes that no
    /// origin holds are never echoed: the lines are then left out.
    package var allowedOrigin: Bytes = .empty
    /// Adds `Access-Control-Allow-Credentials: true` to the CORS lines.
    package var allowsCredentials = true
    /// 0: no `Retry-After`.
    package var retryAfterSeconds = 0
    package var rateLimit: HTTPRateLimit?
    /// The value of `Location`; empty, or no field value: none.
    package var location: Bytes = .empty

    package init(persistence: HTTPPersistence = .implied, isHead: Bool = false) {
        self.persistence = persistence
        self.isHead = isHead
    }

    /// As `head` asks for it.
    package init(_ head: HTTPRequestHead) {
        self.init(persistence: head.persistence, isHead: head.method == .head)
    }
}
