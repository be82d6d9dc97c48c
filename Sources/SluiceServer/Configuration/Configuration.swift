import Logging
import SluiceCore

/// Everything an operator can say, checked. The values here are the documented defaults.
package struct Configuration: Sendable, Equatable {
    /// The file it came from; nil when there was none.
    package var file: String?
    /// Where events are accepted.
    package var listen = [Endpoint(host: "127.0.0.1", port: 8080)]
    /// Where health, metrics and status are served.
    package var admin = Endpoint(host: "127.0.0.1", port: 9090)
    /// The data folder; relative to the working directory.
    package var data = "./sluice-data"
    /// Shards; 0 stands for one per core.
    package var workers = 0
    /// How long a stopping gateway goes on answering and delivering.
    package var drainMilliseconds = 10_000
    package var logFormat = LogFormat.text
    package var logLevel = Logger.Level.info
    package var log = LogSettings()
    /// Nil: events that were taken before are taken again.
    package var deduplicate: DeduplicationSettings? = DeduplicationSettings()
    package var limits = Limits()
    /// Platforms by Host name (lower case, without port), for paths without the platform's prefix.
    package var hosts: [String: Platform] = [:]
    package var sources = [SourceSettings.local]
    package var destinations: [DestinationSettings] = []
    /// What is allowed but deserves a second look.
    package var warnings: [ConfigurationProblem] = []

    package init() {}

    /// How many shards there are on a machine with `cores` cores: 1 to 256.
    package func shards(cores: Int) -> Int {
        workers == 0 ? min(max(cores, 1), 256) : workers
    }
}

/// What a 2xx says about an event.
package enum Acknowledge: String, Sendable, CaseIterable {
    /// It is on disk, fsynced.
    case committed
    /// It is in the open block.
    case received
}

/// How log lines are written.
package enum LogFormat: String, Sendable, CaseIterable {
    case text
    case json
}

/// The replay log: `log:`.
package struct LogSettings: Sendable, Equatable {
    package var compression = BlockCodec.zstd
    /// A segment is closed when it has grown to this.
    package var segmentBytes = 1 << 30
    /// A segment is closed when it is this old.
    package var segmentAgeMilliseconds = 3_600_000
    /// Segments older than this are given up, unless somebody still needs them.
    package var retainAgeMilliseconds = 7 * 86_400_000
    /// The oldest segments are given up when all of them together are larger than this, unless somebody
    /// still needs them.
    package var retainBytes = 50 << 30
    /// When all of them together are larger than this, the oldest are given up even so; `retainBytes` where
    /// nothing else is said.
    package var retainHardBytes = 50 << 30

    package init() {}
}

/// Which events are remembered by the ids their senders gave: `deduplicate:`. At least the last `events` of
/// them, or those of the last `age`, whichever is fewer.
package struct DeduplicationSettings: Sendable, Equatable {
    package var ageMilliseconds = 86_400_000
    package var events = 8_000_000

    package init() {}
}

/// Who may send: one element of `sources:`.
package struct SourceSettings: Sendable, Equatable {
    package var name: String
    /// The data source UUID, in lower case.
    package var id: String?
    /// Credentials; each belongs to one source only.
    package var keys: [Secret] = []
    /// The source's account at each platform; each belongs to one source only.
    package var accounts: [Platform: String] = [:]
    /// Web origins (lower case) whose pages may send; nil when any may.
    package var origins: [String]?
    package var acknowledge = Acknowledge.committed
    /// Whether anyone may use it beyond loopback, too.
    package var isOpen = false
    /// Takes events that lack fields which real emitters are known to leave out.
    package var lenient = false
    package var address = AddressPolicy.truncate

    package init(name: String) { self.name = name }

    /// Has no credential of any kind: anyone who reaches the listener may send as this source.
    package var needsNoCredential: Bool { keys.isEmpty && accounts.isEmpty }

    /// The source there is without any configuration.
    package static var local: SourceSettings { SourceSettings(name: "local") }
}

/// What is done with a request that was sent and not answered.
package enum AmbiguousPolicy: String, Sendable, CaseIterable {
    case retry
    case park
}

/// What is done with events of people who asked for Global Privacy Control.
package enum PrivacyPolicy: String, Sendable, CaseIterable {
    case send
    case strip
    case withhold
}

/// Where a new destination begins.
package enum StartPosition: String, Sendable, CaseIterable {
    /// With the events accepted from now on.
    case latest
    /// With the oldest event still retained.
    case earliest
}

/// Where events go: one element of `destinations:`.
package struct DestinationSettings: Sendable, Equatable {
    package var name: String
    package var platform: Platform
    /// The base URL without a slash at its end; for gowit and webhook the whole endpoint.
    package var url: WebAddress
    package var token: Secret?
    package var secret: Secret?
    package var dataSource: String?
    package var marketplaceID: String?
    /// GoWit records impressions itself, so that none are forwarded.
    package var autoImpression = false
    package var publisherID: String?
    package var networkID: String?
    package var accountSID: String?
    package var campaignID: Int?
    package var eventTypeID: Int?
    /// Names of sources that have another account than this destination, where the platform keeps accounts apart:
    /// impact.com. Follows from the sources.
    package var otherAccounts: [String] = []
    /// Types that are delivered; nil for all the platform takes.
    package var events: [EventType]?
    /// Names of sources whose events are delivered; nil for all.
    package var sources: [String]?
    /// Networks whose events are delivered, `""` for organic events; nil for the platform's own rule.
    package var networks: [String]?
    /// Most events in one request.
    package var batch = 100
    /// Most requests at the same time.
    package var concurrency = 4
    package var rate: Rate?
    package var timeoutMilliseconds = 10_000
    /// How long an event is tried before it is given up.
    package var retryForMilliseconds = 86_400_000
    package var ambiguous = AmbiguousPolicy.retry
    package var privacy = PrivacyPolicy.send
    package var start = StartPosition.latest
    package var gzip = false
    /// A file of CA certificates (PEM) to trust instead of the system's.
    package var caFile: String?
    /// Further header lines of every request.
    package var headers: [DestinationHeader] = []

    package init(name: String, platform: Platform, url: WebAddress) {
        self.name = name
        self.platform = platform
        self.url = url
    }
}

/// A header line of every request to a destination; its value may be a credential.
package struct DestinationHeader: Sendable, Equatable {
    package var name: String
    package var value: Secret

    package init(name: String, value: Secret) {
        self.name = name
        self.value = value
    }
}
