/// What can go wrong with a request or a connection.
package enum LoadFailure: Int, CaseIterable, Sendable {
    case cannotConnect, closed, broken, timedOut, malformed, unexpectedStatus

    /// A stable label.
    package var label: String {
        switch self {
        case .cannotConnect: "cannot_connect"
        case .closed: "closed"
        case .broken: "broken"
        case .timedOut: "timed_out"
        case .malformed: "malformed_answer"
        case .unexpectedStatus: "unexpected_status"
        }
    }
}

/// What one thread, or all together, saw of a stretch of load.
package struct LoadFigures: Sendable {
    /// Answered in the measured time, or sent then and answered later.
    package var requests = 0
    /// Of these, those answered before the measured time was over.
    package var requestsInTime = 0
    /// In requests whose answer was as expected, in the measured time.
    package var eventsInTime = 0
    package var events = 0
    /// Sent from the beginning of the warm-up on.
    package var sent = 0
    /// Open loop: due, but never sent, because nothing was free to send them on.
    package var unsent = 0
    /// Connections opened anew.
    package var reconnects = 0
    /// By status; in the measured time.
    package var statuses = [Int](repeating: 0, count: 1000)
    /// By `LoadFailure.rawValue`; over the whole run, the warm-up included.
    package var failures = [Int](repeating: 0, count: LoadFailure.allCases.count)
    /// Open loop: since the request was due. Closed loop: since it was sent.
    package var latency = Latency()
    /// Open loop only: since it was sent.
    package var latencySinceSent = Latency()

    package init() {}

    package var errors: Int { failures.reduce(0, +) }

    package mutating func add(_ other: LoadFigures) {
        requests += other.requests
        requestsInTime += other.requestsInTime
        events += other.events
        eventsInTime += other.eventsInTime
        sent += other.sent
        unsent += other.unsent
        reconnects += other.reconnects
        for (status, count) in other.statuses.enumerated() { statuses[status] += count }
        for (kind, count) in other.failures.enumerated() { failures[kind] += count }
        latency.add(other.latency)
        latencySinceSent.add(other.latencySinceSent)
    }
}
