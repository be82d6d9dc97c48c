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
        name: String, platform: String, accepted: Int64, delivered: Int64, rejected: Int64,
        parked:
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
package struct GatewayFigures: Equatable, Sendable {
    /// Events committed since the data folder was made.
    package var logEvents: Int64
    package var destinations: [DestinationFigures]
    /// Events accepted from senders since the process started, where the gateway says so.
    package var received: Int64?
    /// Events recognized as duplicates since the process started, where the gateway says so.
    package var duplicates: Int64?

    /// Whether nothing waits for an outcome anywhere.
    package var isSettled: Bool { destinations.allSatisfy { $0.pending == 0 } }

    package init(
        logEvents: Int64, destinations: [DestinationFigures], received: Int64? = nil, duplicates: Int64? = nil
    ) {
        self.logEvents = logEvents
        self.destinations = destinations
        self.received = received
        self.duplicates = duplicates
    }

    /// Reads an answer's body; nil when a figure is missing.
    ///
    /// The outcomes are those of `books.destinations`; `destinations` adds how delivery goes.
    package init?(_ body: [UInt8]) {
        guard let document = PlainJSON(body), let events = document["log"]?["events"]?.integer,
            let states = document["destinations"]?.elements,
            let books = document["books"]?["destinations"]?.elements, books.count == states.count
        else { return nil }
        var destinations: [DestinationFigures] = []
        for state in states {
            guard let name = state["name"]?.string,
                let book = books.first(where: { $0["destination"]?.string == name }),
                let figures = Self.figures(name, state: state, book: book)
            else { return nil }
            destinations.append(figures)
        }
        self.init(
            logEvents: events, destinations: destinations,
            received: document["totals"]?["accepted"]?.integer,
            duplicates: document["totals"]?["duplicates"]?.integer)
    }

    private static func figures(
        _ name: String, state: PlainJSON, book: PlainJSON
    ) -> DestinationFigures? {
        guard let platform = state["platform"]?.string,
            let accepted = book["accepted"]?.integer, let delivered = book["delivered"]?.integer,
            let rejected = book["rejected"]?.integer, let parked = book["parked"]?.integer,
            let expired = book["expired"]?.integer, let filtered = book["filtered"]?.integer,
            let pending = book["pending"]?.integer
        else { return nil }
        return DestinationFigures(
            name: name, platform: platform, accepted: accepted, delivered: delivered,
            rejected: rejected, parked: parked, expired: expired, filtered: filtered, pending: pending,
            lagSeconds: state["lag_seconds"]?.double ?? 0, breaker: state["breaker"]?.string ?? "",
            lastError: state["last_error"]?.string)
    }

    /// Asks a gateway's admin port; nil when it does not answer, or not with a status.
    package static func fetch(_ admin: HTTPClient) -> GatewayFigures? {
        guard let answer = try? admin.request("GET", "/api/status"), answer.status == 200 else {
            return nil
        }
        return GatewayFigures(answer.body)
    }
}
