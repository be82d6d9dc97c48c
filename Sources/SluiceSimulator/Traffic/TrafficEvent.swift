import SluiceCore

/// How an event was sent.
package enum TrafficForm: String, CaseIterable, Sendable {
    case native, pixel, topsort
}

/// What should become of an event at a Topsort destination without rules of its own.
package enum TopsortFate: String, CaseIterable, Sendable {
    case delivered
    /// Another network's ad, or a kind that Topsort does not have.
    case filtered
    /// Sent, and refused: it names a bid that the platform does not know.
    case refused
}

/// One event of the generator, and what is to be expected of it.
package struct TrafficEvent: Hashable, Sendable {
    package let id: TraceID
    package let type: EventType
    package let form: TrafficForm
    package let topsort: TopsortFate

    package init(id: TraceID, type: EventType, form: TrafficForm, topsort: TopsortFate) {
        self.id = id
        self.type = type
        self.form = form
        self.topsort = topsort
    }

    /// One line of a ledger file, without its line feed.
    package var line: String { "\(id) \(type.name) \(form.rawValue) \(topsort.rawValue)" }

    /// Reads what `line` wrote; nil for anything else, such as a line cut short by a crash.
    package init?(line: some StringProtocol) {
        let words = line.split(separator: " ")
        guard words.count == 4, let id = TraceID(words[0]),
            let type = EventType.allCases.first(where: { "\($0.name)" == words[1] }),
            let form = TrafficForm(rawValue: String(words[2])),
            let topsort = TopsortFate(rawValue: String(words[3]))
        else { return nil }
        self.init(id: id, type: type, form: form, topsort: topsort)
    }
}

/// What the answer to a request must be.
package enum TrafficExpectation: Equatable, Sendable {
    /// All events are taken.
    case taken
    /// The events named are taken, and those at these indexes of the batch refused.
    case partly(refusedIndexes: [Int])
    /// Nothing is taken, with one of these statuses.
    case refused(statuses: [Int])
}

/// A request ready to be sent.
package struct TrafficRequest: Sendable {
    /// The whole of it: head and body.
    package var bytes: [UInt8]
    /// The events that must be safe once the answer is 2xx.
    package var events: [TrafficEvent]
    package var form: TrafficForm
    package var expectation: TrafficExpectation

    package init(
        bytes: [UInt8], events: [TrafficEvent], form: TrafficForm, expectation: TrafficExpectation
    ) {
        self.bytes = bytes
        self.events = events
        self.form = form
        self.expectation = expectation
    }
}
