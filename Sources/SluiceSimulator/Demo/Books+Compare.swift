extension Books {
    /// A destination of the gateway and the stand-in behind it.
    package struct Party {
        package let destination: String
        package let standIn: StandIn
        /// Whether an acknowledged event must arrive here.
        package let isDue: (TrafficEvent) -> Bool
        /// Whether it must be rejected instead.
        package let isRejected: (TrafficEvent) -> Bool

        package init(
            destination: String, standIn: StandIn, isDue: @escaping (TrafficEvent) -> Bool,
            isRejected: @escaping (TrafficEvent) -> Bool = { _ in false }
        ) {
            self.destination = destination
            self.standIn = standIn
            self.isDue = isDue
            self.isRejected = isRejected
        }

        /// A Topsort destination without rules of its own.
        package static func topsort(_ destination: String, _ standIn: StandIn) -> Party {
            Party(
                destination: destination, standIn: standIn, isDue: { $0.topsort == .delivered },
                isRejected: { $0.topsort == .refused })
        }

        /// A webhook destination without rules of its own: it gets everything.
        package static func webhook(_ destination: String, _ standIn: StandIn) -> Party {
            Party(destination: destination, standIn: standIn, isDue: { _ in true })
        }
    }

    /// Compares the three ledgers.
    package init(
        figures status: GatewayFigures, totals: TrafficTotals, ledger: TrafficLedger, parties: [Party]
    ) {
        let events = ledger.events
        var isTruncated = ledger.unlisted > 0
        rows = status.destinations.map { figures in
            guard let party = parties.first(where: { $0.destination == figures.name }) else {
                return Row(
                    figures: figures, due: 0, missing: 0, missingSamples: [], repeats: 0,
                    refusedRequests: 0, rejectionsDue: 0)
            }
            let due = events.filter(party.isDue).map { $0.id.description }
            let missing = party.standIn.ledger.missing(of: due)
            let received = party.standIn.ledger.totals
            if received.unlisted > 0 { isTruncated = true }
            return Row(
                figures: figures, due: due.count, missing: missing.count,
                missingSamples: Array(missing.prefix(3)), repeats: received.repeats,
                refusedRequests: received.requestsRefused,
                rejectionsDue: events.count(where: party.isRejected))
        }
        acknowledged = totals.acknowledged
        ambiguous = totals.ambiguous
        logEvents = status.logEvents
        unexpectedAnswers = totals.unexpected
        unexpectedSamples = totals.unexpectedSamples
        self.isTruncated = isTruncated
    }
}
