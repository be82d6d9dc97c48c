extension Books {
    /// A destination of the gateway and the stand-in behind it.
    package struct Party {
        package let destination: String
        package let standIn: StandIn
        /// Whether an acknowledged event must arrive here.
        package let isDue: (TrafficEvent) -> Bool
        /// Whether it must be rejected instead.
        package let isRejected: (TrafficEvent) -> Bool
        /// What the stand-in's ledger must hold of an event that arrived: all of it.
        package let traces: (TrafficEvent) -> [String]

        package init(
            destination: String, standIn: StandIn, isDue: @escaping (TrafficEvent) -> Bool,
            isRejected: @escaping (TrafficEvent) -> Bool = { _ in false },
            traces: @escaping (TrafficEvent) -> [String] = { [$0.id.description] }
        ) {
            self.destination = destination
            self.standIn = standIn
            self.isDue = isDue
            self.isRejected = isRejected
            self.traces = traces
        }

        /// A platform's destination without rules of its own.
        private static func platform(
            _ destination: String, _ standIn: StandIn, _ fate: @escaping (TrafficFates) -> TrafficFate,
            traces: @escaping (TrafficEvent) -> [String] = { [$0.id.description] }
        ) -> Party {
            Party(
                destination: destination, standIn: standIn, isDue: { fate($0.fates) == .delivered },
                isRejected: { fate($0.fates) == .refused },
                traces: traces)
        }

        package static func topsort(_ destination: String, _ standIn: StandIn) -> Party {
            platform(destination, standIn, \.topsort)
        }

        package static func gowit(_ destination: String, _ standIn: StandIn) -> Party {
            platform(destination, standIn, \.gowit, traces: \.gowitTraces)
        }

        package static func vtex(_ destination: String, _ standIn: StandIn) -> Party {
            platform(destination, standIn, \.vtex, traces: \.vtexTraces)
        }

        package static func kevel(_ destination: String, _ standIn: StandIn) -> Party {
            platform(destination, standIn, \.kevel, traces: \.kevelTraces)
        }

        package static func impact(_ destination: String, _ standIn: StandIn) -> Party {
            platform(destination, standIn, \.impact)
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
            let due = events.filter(party.isDue)
            // An order that arrived but for one of its items is missing.
            let missing = due.filter { !party.standIn.ledger.missing(of: party.traces($0)).isEmpty }
            let received = party.standIn.ledger.totals
            if received.unlisted > 0 { isTruncated = true }
            return Row(
                figures: figures, due: due.count, missing: missing.count,
                missingSamples: missing.prefix(3).map { $0.id.description }, repeats: received.repeats,
                refusedRequests: received.requestsRefused,
                rejectionsDue: events.count(where: party.isRejected))
        }
        acknowledged = totals.acknowledged
        ambiguous = totals.ambiguous
        resent = totals.resent
        // A gateway that was started again has begun to count anew.
        duplicates = totals.errorCount == 0 ? status.duplicates : nil
        logEvents = status.logEvents
        unexpectedAnswers = totals.unexpected
        unexpectedSamples = totals.unexpectedSamples
        self.isTruncated = isTruncated
    }
}
