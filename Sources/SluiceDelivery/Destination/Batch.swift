import SluiceCore

/// Names a batch to the shell that carries its request.
package struct BatchID: Hashable, Sendable {
    let value: Int
}

/// Events that go, or went, in one request, and the story of the attempts so far.
///
///     encoding --started--> in flight --answer--> finished, waiting, or split in two waiting ones
///     waiting --taken--> encoding
///     in flight --answer to a part, others left--> waiting
///
/// A batch that fails again and again while others get through holds an event the upstream chokes
/// on. After `suspectStrikes` such failures it is halved, and each half after one more, until that
/// event stands alone: it is stuck then, and waits for its time to expire without holding up others.
struct Batch {
    enum Stage {
        case encoding, inFlight, waiting
    }

    let id: BatchID
    var stage: Stage
    /// In the order of the log.
    var places: [WindowPlace]
    /// Requests that were started for these events.
    var attempts = 0
    /// Attempts that failed since the last one that settled anything; the wait grows with them.
    var failures = 0
    /// Set when its one event takes several requests.
    var parts: PartProgress?
    /// Whether the request under way repeats an earlier one.
    var isRepeat = false
    /// Of the first request; meaningless while `attempts` is 0.
    var firstAttempt = Moment(monotonic: 0, wall: 0)
    var lastAttemptWall: Int64 = 0
    /// Not before this may it be sent again, monotonic milliseconds.
    var notBefore: Int64 = 0
    /// Waits because the upstream failed, not because it asked for time.
    var heldByOutage = false
    var isProbe = false
    /// Of the last request, monotonic milliseconds.
    var lastStart: Int64 = 0
    /// What came of the last request that failed.
    var lastFailure: AttemptFailure?
    /// Failures that are the batch's own: see `strike`.
    var strikes = 0
    /// The destination's `verdicts` when this batch was first started or last failed.
    var verdictsSeen = 0
    /// A single event whose failures are its own.
    var isStuck = false

    /// Takes over the attempts of the batch its events were in.
    mutating func inheritStory(of other: Batch) {
        attempts = other.attempts
        failures = other.failures
        firstAttempt = other.firstAttempt
        lastAttemptWall = other.lastAttemptWall
        lastStart = other.lastStart
        lastFailure = other.lastFailure
        strikes = other.strikes
        verdictsSeen = other.verdictsSeen
    }
}

/// The request that delivered an event.
struct Delivery: Equatable {
    let sequence: EventSequence
    /// HTTP status of the answer.
    let status: Int
    /// Words of the platform worth keeping, cut; empty when there are none.
    let note: String
    /// Requests that were started for the event, this one included.
    let attempts: Int
    /// Milliseconds since 1970.
    let firstAttemptMilliseconds: Int64
    let lastAttemptMilliseconds: Int64
    /// Where it was sent, cut, without the query.
    let url: String
}

/// Why a request did not settle anything.
package struct AttemptFailure: Equatable, Sendable {
    /// HTTP status, or 0 when there was no answer.
    package var status: Int
    package var reason: String
    /// Where it was sent, without the query.
    package var url: String

    package init(status: Int, reason: String, url: String) {
        self.status = status
        self.reason = reason
        self.url = url
    }
}

/// What came of one request.
package enum AttemptResult: Equatable, Sendable {
    case delivered
    /// Delivered, with words of the platform that are kept.
    case deliveredNoting(status: Int, note: String)
    case rejected(status: Int, reason: String)
    /// One of several events is at fault.
    case split(status: Int, reason: String)
    case retry(status: Int, afterSeconds: Int?, reason: String)
    /// No answer: connection, name, TLS or time.
    case unreachable(reason: String)
    /// Sent, at least partly, and no answer, at a destination that must not get an event twice.
    case ambiguous(reason: String)
}

/// How much one destination may hold and do at a time. Cross-checked at init.
package struct DestinationLimits: Equatable, Sendable {
    /// Most events in a request.
    package var batchEventsMax = 50
    /// Most requests in flight.
    package var concurrency = 4
    /// No new batch is formed while so many exist; splitting may go beyond it, by no more than the
    /// events that are in batches already.
    package var batchesMax = 16
    /// After so many failures of its own a batch is halved.
    package var suspectStrikes = 3
    /// With so many events stuck, nothing more is read.
    package var stuckEventsMax = 1024
    /// Read-ahead ends when the window has so many blocks or events that are not settled, or holds so
    /// many bytes; one more block fits.
    package var windowBlocksMax = 4096
    package var windowEventsMax = 65_536
    package var windowBytesMax = 8 << 20
    /// Exceptions not yet saved before the destination stops and waits for the state database.
    package var unsavedExceptionsMax = 8192
    /// Exceptions behind the position before nothing more is read.
    package var aheadExceptionsMax = 8192
    /// Bytes of outcomes by block that are not saved yet, about, before nothing more is read.
    package var outcomeBytesMax = 8 << 20
    package var retryForMilliseconds: Int64 = 86_400_000
    package var lingerMilliseconds: Int64 = 0
    /// While requests are in flight, a batch that is not full starts at most this often.
    package var partialIntervalMilliseconds: Int64 = 50
    /// Of a reason, in UTF-8; the rest is cut.
    package var reasonBytesMax = 512
    /// Of an exception's URL, in UTF-8; the rest is cut.
    package var urlBytesMax = 2048

    package init() {}

    package init(_ configuration: DestinationConfiguration, eventsPerRequestMax: Int) {
        batchEventsMax = max(1, min(configuration.batch, eventsPerRequestMax))
        concurrency = max(1, configuration.concurrency)
        batchesMax = concurrency * 4
        windowEventsMax = max(65_536, batchEventsMax * batchesMax)
        retryForMilliseconds = Int64(max(0, configuration.retryForSeconds)) * 1000
        lingerMilliseconds = Int64(max(0, configuration.lingerMilliseconds))
    }
}
