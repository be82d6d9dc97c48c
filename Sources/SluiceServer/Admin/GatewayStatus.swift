import SluiceCore

/// The gateway at one moment: what `/api/status` answers and `sluice status` shows. In JSON the names are
/// in snake_case and sorted.
package struct GatewayStatus: Sendable, Equatable, Codable {
    package var version = BuildInformation.version
    /// RFC 3339.
    package var startedAt = ""
    package var uptimeSeconds: Double = 0
    package var phase = GatewayPhase.starting
    package var ready = false
    /// Why it is not ready, and what of this cannot be told.
    package var reasons: [String] = []
    package var edge = EdgeReport()
    package var log = LogReport()
    /// Nil where duplicates are taken like any other event.
    package var deduplication: DeduplicationReport?
    package var sources: [SourceReport] = []
    package var destinations: [DestinationReport] = []
    /// The books by destination and hour.
    package var hours: [HourBook] = []

    package init() {}
}

/// Where the gateway is in its life.
package enum GatewayPhase: String, Sendable, Codable, CaseIterable {
    case starting, running, draining
    /// Of a data folder where none runs.
    case stopped
}

/// The shards together.
package struct EdgeReport: Sendable, Equatable, Codable {
    package var shards = 0
    package var connectionsOpen = 0
    /// How many may be open.
    package var connectionsMax = 0
    package var connectionsAccepted = 0
    package var bytesReceived = 0
    package var bytesSent = 0
    /// Milliseconds from a request's last byte to its answer; nil before the first.
    package var acknowledgeP50Milliseconds: Double?
    package var acknowledgeP99Milliseconds: Double?

    package init() {}
}

/// The log.
package struct LogReport: Sendable, Equatable, Codable {
    /// The number the next block will get.
    package var nextBlock: Int64 = 1
    /// Events committed over the whole life of the data folder.
    package var events: Int64 = 0
    package var segments = 0
    package var diskBytes = 0
    package var runway = RunwayReport()
    /// In the order of the blocks they need.
    package var held: [HolderReport] = []
    /// Damage that is known: all of it in figures, the newest of it one by one.
    package var quarantinedBlocks = 0
    package var quarantinedEvents = 0
    package var quarantine: [QuarantineReport] = []
    /// Since the start of the process, as all that follow.
    package var commits = 0
    package var committedBlocks = 0
    package var committedEvents = 0
    package var rawBytes = 0
    package var storedBytes = 0
    package var failures = 0
    /// What retention gave up, and how many segments of that somebody still needed.
    package var removedSegments = 0
    package var removedEvents = 0
    package var removedBytes = 0
    package var forcedSegments = 0
    /// The last commit's failure; nil when it went well.
    package var failing: String?

    package init() {}
}

/// Which events are remembered.
package struct DeduplicationReport: Sendable, Equatable, Codable {
    /// Most events that are remembered now: each shard takes room for up to 256 of them at once, which counts
    /// as used.
    package var entries = 0
    /// Most events that are: twice `deduplicate.events`.
    package var capacity = 0
    /// How often the older half was forgotten, since the start of the process.
    package var rotations = 0
    /// Events taken without being remembered since then, because there was no room.
    package var overflow = 0
    /// Events that were remembered at the start, from the log, and how long that took.
    package var loaded = 0
    package var loadMilliseconds: Int64 = 0
    package var memoryBytes = 0

    package init() {}
}

/// One source, since the start of the process.
package struct SourceReport: Sendable, Equatable, Codable {
    package var name = ""
    package var accepted = 0
    package var duplicates = 0
    package var rejected = 0

    package init() {}

    package init(name: String, accepted: Int, duplicates: Int, rejected: Int) {
        self.name = name
        self.accepted = accepted
        self.duplicates = duplicates
        self.rejected = rejected
    }
}

/// One destination's place in the log, and its book over all events that were ever due to it.
package struct DestinationReport: Sendable, Equatable, Codable {
    package enum Breaker: String, Sendable, Codable, CaseIterable {
        /// Requests go out.
        case closed
        /// None go out for a while.
        case open
        /// One goes out to see whether the upstream is back.
        case halfOpen = "half_open"
    }

    package var name = ""
    package var platform = ""
    /// `block.index` of the first event without an outcome.
    package var position = "1.0"
    /// Events of the log before the first that was due here.
    package var startEvent: Int64 = 0
    /// Events of the log before `position`.
    package var positionEvent: Int64 = 0
    package var delivered: Int64 = 0
    package var rejected: Int64 = 0
    package var parked: Int64 = 0
    package var expired: Int64 = 0
    package var filtered: Int64 = 0
    /// How many of these outcomes are of events behind `position`.
    package var ahead: Int64 = 0
    /// How long the event at `position` has been waiting; 0 when there is none.
    package var lagSeconds: Double = 0
    package var requestsInFlight = 0
    package var eventsInFlight = 0
    /// Since the start of the process.
    package var requests = 0
    package var retries = 0
    package var breaker = Breaker.closed
    package var lastError: String?
    /// RFC 3339.
    package var lastErrorAt: String?
    package var deliveryP50Milliseconds: Double?
    package var deliveryP99Milliseconds: Double?

    package init() {}

    package init(name: String, platform: Platform) {
        self.name = name
        self.platform = "\(platform.name)"
    }

    /// Takes place and counts from a cursor.
    ///
    /// - Parameter positionEvent: events of the log before the cursor's position.
    package mutating func take(_ cursor: Cursor, positionEvent: Int64) {
        position = cursor.position.description
        startEvent = cursor.startEvent
        self.positionEvent = positionEvent
        delivered = cursor.counts.delivered
        rejected = cursor.counts.rejected
        parked = cursor.counts.parked
        expired = cursor.counts.expired
        filtered = cursor.counts.filtered
    }
}

/// One destination's book: `accepted` is the sum of all others, or something was lost or counted twice.
package struct Book: Sendable, Equatable, Codable {
    package var destination: String
    /// Events of the log that were ever due here.
    package var accepted: Int64
    package var delivered: Int64
    package var rejected: Int64
    package var parked: Int64
    package var expired: Int64
    package var filtered: Int64
    package var pending: Int64
    package var balanced: Bool

    package init(_ report: DestinationReport, logEvents: Int64) {
        destination = report.name
        accepted = logEvents - report.startEvent
        delivered = report.delivered
        rejected = report.rejected
        parked = report.parked
        expired = report.expired
        filtered = report.filtered
        // The head may have been read a moment before the cursor.
        let settled = report.positionEvent + report.ahead
        pending = max(0, logEvents - settled)
        accepted = max(accepted, settled - report.startEvent)
        balanced = accepted == delivered + rejected + parked + expired + filtered + pending
    }
}

/// The books of all destinations. They balance when each does, as a whole and in every hour shown.
package struct Books: Sendable, Equatable, Codable {
    package var balanced: Bool
    package var destinations: [Book]

    package init(_ status: GatewayStatus) {
        destinations = status.destinations.map { Book($0, logEvents: status.log.events) }
        balanced = destinations.allSatisfy(\.balanced) && status.hours.allSatisfy(\.balanced)
    }
}

/// Sums over all sources and destinations.
package struct Totals: Sendable, Equatable, Codable {
    /// Since the start of the process, as the two that follow.
    package var accepted: Int
    package var duplicates: Int
    package var rejected: Int
    /// Events without an outcome, each counted once for each destination.
    package var pending: Int64

    package init(_ status: GatewayStatus, books: Books) {
        accepted = status.sources.reduce(0) { $0 + $1.accepted }
        duplicates = status.sources.reduce(0) { $0 + $1.duplicates }
        rejected = status.sources.reduce(0) { $0 + $1.rejected }
        pending = books.destinations.reduce(0) { $0 + $1.pending }
    }
}
