// What delivery asks of a platform on the way out.

/// What an encoder made of one event.
package enum EncodeResult: Equatable {
    /// It is in the request under construction.
    case added
    /// The request has no room for it: send what is there, begin anew, add it again.
    case full
    /// The platform requires fields the event lacks; canonical names, in the platform's order.
    case missing([String])
    /// The event can never be sent to this platform, for this reason.
    case unfit(String)
}

/// A request for an upstream, without its base URL and credentials. Reused.
package struct OutgoingRequest: ~Copyable {
    package var method: RequestMethod = .post
    /// Appended to the destination's URL, properly escaped; empty when the URL is the endpoint.
    package var path: ByteBuffer
    package var contentType: StaticString = "application/json"
    package var body: ByteBuffer
    /// Further header lines, `Name: value`, without line ends.
    package var headers: [String] = []

    package init() {
        path = ByteBuffer(capacity: 256)
        body = ByteBuffer(capacity: 65_536)
    }

    package mutating func reset() {
        method = .post
        path.removeAll()
        contentType = "application/json"
        body.removeAll()
        headers.removeAll(keepingCapacity: true)
    }
}

/// What an answer means for the events of its request.
package enum Verdict: Equatable {
    case delivered
    /// Delivered, and the platform said something about it that is kept with the outcome.
    case deliveredNoting(String)
    /// The platform will never take these events; its status and words are kept.
    case rejected(reason: String)
    /// One of several events is at fault: send them again in smaller requests.
    case split(reason: String)
    /// Try again; after so many seconds where the platform says so.
    case retry(afterSeconds: Int?, reason: String)
}

/// Where the headers of an answer are looked up: few answers are asked for any.
package protocol UpstreamHeaders: AnyObject {
    /// The value of the first header with this name, in any case, without white space around it. Of the last answer
    /// only.
    func header(_ name: String) -> String?
}

/// An upstream's answer, as far as it was kept. Its headers can be asked for until the next request goes out in its
/// place.
package struct UpstreamAnswer {
    package var status: Int
    /// At most 64 KiB of it.
    package var body: [UInt8]
    private let headers: (any UpstreamHeaders)?

    package init(status: Int, body: [UInt8] = [], headers: (any UpstreamHeaders)? = nil) {
        self.status = status
        self.body = body
        self.headers = headers
    }

    /// The value of the first header with this lower-case name.
    package func header(_ name: String) -> String? { headers?.header(name) }
}

/// One platform's side of delivery. One instance per destination; delivery thread only.
package protocol PlatformEncoder: AnyObject {
    /// Most events one request may carry, whatever the destination's `batch` says.
    var eventsPerRequestMax: Int { get }

    /// Whether the platform takes events of this type and network by default, before a
    /// destination's own rules. `network` is empty for organic events.
    func takes(type: EventType, network: Bytes) -> Bool

    /// Begins a new request.
    func begin(now milliseconds: Int64)

    /// Adds a canonical event (one line, without its line feed) to the request.
    func add(_ event: Bytes) -> EncodeResult

    /// How many requests it takes to send what was added since `begin`; more than 1 only where
    /// `eventsPerRequestMax` is 1 and the platform wants an event in parts. The event is delivered
    /// when all its parts are.
    var partCount: Int { get }

    /// Writes the request that holds all events added since `begin`: of several, the one with this
    /// number, from 0. The parts of an event are the same whenever it is encoded.
    func finish(part: Int, into request: inout OutgoingRequest)

    /// Says what an answer means. Called for every answer with an HTTP status; connection errors
    /// never come here. `eventCount` is the number of events the request carried.
    func classify(_ answer: UpstreamAnswer, eventCount: Int) -> Verdict
}

extension PlatformEncoder {
    package var partCount: Int { 1 }

    /// Writes the one request there is.
    package func finish(into request: inout OutgoingRequest) { finish(part: 0, into: &request) }
}
