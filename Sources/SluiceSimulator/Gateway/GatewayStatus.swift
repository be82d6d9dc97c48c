/// What a gateway's `/api/status` says of one destination.
package struct DestinationFigures: Equatable, Sendable {
    package var name: String
    package var platform: String
    /// Events that the log took since the destination began.
    package var accepted: Int64
    package var delivered: Int64
    package var rejected: Int64
    package var parked: Int64
    package var expired: Int64
    package var filtered: Int64
    package var pending: Int64
    package var lagSeconds: Double
    package var breaker: String
    package var lastError: String?

    package init(
        name: String, platform: String, accepted: Int64, delivered: Int64, rejected: Int64, parked:
        Int64, expired: Int64, filtered: Int64, pending: Int64, lagSeconds: Double, breaker: String,
        lastError: String?
    ) {
        self.name = name
        self.platform = platform
        self.accepted = accepted
        self.delivered = delivered
        self.rejected = rejected
        self.parked = parked
        self.expired = expired
        self.filtered = filtered
        self.pending = pending
        self.lagSeconds = lagSeconds
        self.breaker = breaker
        self.lastError = lastError
    }

    /// Every accepted event has exactly one outcome, or waits for it.
    package var isBalanced: Bool {
        accepted == delivered + rejected + parked + expired + filtered + pending
    }
}

/// A gateway's `/api/status`.
package struct GatewayStatus: Equatable, Sendable {
    /// Events committed since the data folder was made.
    package var logEvents: Int64
    package var destinations: [DestinationFigures]
    /// Events accepted from senders since the process started, where the gateway says so.
    package var received: Int64?

    /// Whether nothing waits for an outcome anywhere.
    package var isSettled: Bool { destinations.allSatisfy { $0.pending == 0 } }

    package init(logEvents: Int64, destinations: [DestinationFigures], received: Int64? = nil) {
        self.logEvents = logEvents
        self.destinations = destinations
        self.received = received
    }

    /// Reads an answer's body; nil when a figure is missing.
    package init?(_ body: [UInt8]) {
        guard let document = PlainJSON(body), let events = document["log"]?["events"]?.integer,
            let list = document["destinations"]?.elements
        else { return nil }
        var destinations: [DestinationFigures] = []
        for one in list {
            guard let figures = Self.figures(one) else { return nil }
            destinations.append(figures)
        }
        self.init(
            logEvents: events, destinations: destinations,
            received: document["events"]?["received"]?.integer)
    }

    private static func figures(_ document: PlainJSON) -> DestinationFigures? {
        guard let name = document["name"]?.string, let platform = document["platform"]?.string,
            let accepted = document["accepted"]?.integer, let delivered = document["delivered"]?.integer,
            let rejected = document["rejected"]?.integer, let parked = document["parked"]?.integer,
            let expired = document["expired"]?.integer, let filtered = document["filtered"]?.integer,
            let pending = document["pending"]?.integer
        else { return nil }
        return DestinationFigures(
            name: name, platform: platform, accepted: accepted, delivered: delivered,
            rejected: rejected, parked: parked, expired: expired, filtered: filtered, pending: pending,
            lagSeconds: document["lag_seconds"]?.double ?? 0,
            breaker: document["breaker"]?.string ?? "",
            lastError: document["last_error"]?.string)
    }

    /// Asks a gateway's admin port; nil when it does not answer, or not with a status.
    package static func fetch(_ admin: HTTPClient) -> GatewayStatus? {
        guard let answer = try? admin.request("GET", "/api/status"), answer.status == 200 else {
            return nil
        }
        return GatewayStatus(answer.body)
    }
}
