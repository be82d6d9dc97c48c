import SluiceCore

/// How an event was sent.
package enum TrafficForm: String, CaseIterable, Sendable {
    case native, pixel, topsort, gowit
    case gowitSDK = "gowit_sdk"
    case vtex, kevel, impact
}

/// What should become of an event at a platform's destination without rules of its own.
package enum TrafficFate: String, CaseIterable, Sendable {
    case delivered
    /// Another network's ad, or a kind that the platform does not have.
    case filtered
    /// Rejected: the event lacks what the platform requires, or names what it does not know.
    case refused
}

/// The fates of an event at every platform.
package struct TrafficFates: Hashable, Sendable {
    package var topsort: TrafficFate
    package var gowit: TrafficFate
    package var vtex: TrafficFate
    package var kevel: TrafficFate
    package var impact: TrafficFate

    package init(
        topsort: TrafficFate = .filtered, gowit: TrafficFate = .filtered, vtex: TrafficFate = .filtered,
        kevel: TrafficFate = .filtered, impact: TrafficFate = .filtered
    ) {
        self.topsort = topsort
        self.gowit = gowit
        self.vtex = vtex
        self.kevel = kevel
        self.impact = impact
    }

    fileprivate var all: [TrafficFate] { [topsort, gowit, vtex, kevel, impact] }

    /// Reads the five raw values in the order of the properties, joined by commas.
    fileprivate init?(_ text: some StringProtocol) {
        let fates = text.split(separator: ",", omittingEmptySubsequences: false)
            .map { TrafficFate(rawValue: String($0)) }.compactMap(\.self)
        guard fates.count == 5 else { return nil }
        self.init(topsort: fates[0], gowit: fates[1], vtex: fates[2], kevel: fates[3], impact: fates[4])
    }
}

/// One event of the generator, and what is to be expected of it.
///
/// Everything a platform knows an event by follows from its id: session, ad, order and products, so that
/// it can be found at platforms that have no event ids.
package struct TrafficEvent: Hashable, Sendable {
    package let id: TraceID
    package let type: EventType
    package let form: TrafficForm
    /// Items of its order; 0 for anything but a purchase.
    package let items: UInt8
    package let fates: TrafficFates

    package init(
        id: TraceID, type: EventType, form: TrafficForm, items: Int = 0, fates: TrafficFates
    ) {
        self.id = id
        self.type = type
        self.form = form
        self.items = UInt8(clamping: items)
        self.fates = fates
    }

    /// With a fate at Topsort only; other platforms' destinations do not take it.
    package init(id: TraceID, type: EventType, form: TrafficForm, topsort: TrafficFate) {
        self.init(id: id, type: type, form: form, fates: TrafficFates(topsort: topsort))
    }

    package var topsort: TrafficFate { fates.topsort }

    /// One line of a ledger file, without its line feed.
    package var line: String {
        "\(id) \(type.name) \(form.rawValue) \(items) \(fates.all.map(\.rawValue).joined(separator: ","))"
    }

    /// Reads what `line` wrote; nil for anything else, such as a line cut short by a crash.
    package init?(line: some StringProtocol) {
        let words = line.split(separator: " ")
        guard words.count == 5, let id = TraceID(words[0]),
            let type = EventType.allCases.first(where: { "\($0.name)" == words[1] }),
            let form = TrafficForm(rawValue: String(words[2])), let items = UInt8(words[3]),
            let fates = TrafficFates(words[4])
        else { return nil }
        self.init(id: id, type: type, form: form, items: Int(items), fates: fates)
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
    /// A question, about this order where it is known: told what became of it.
    case told(order: String)
}

/// A request ready to be sent.
package struct TrafficRequest: Sendable {
    /// The whole of it: head and body.
    package var bytes: [UInt8]
    /// The events that must be safe once the answer is 2xx.
    package var events: [TrafficEvent]
    package var form: TrafficForm
    package var expectation: TrafficExpectation
    /// Whether the sender asks afterwards what became of it, where the answer says how.
    package var asksAfterwards = false

    package init(
        bytes: [UInt8], events: [TrafficEvent], form: TrafficForm, expectation: TrafficExpectation
    ) {
        self.bytes = bytes
        self.events = events
        self.form = form
        self.expectation = expectation
    }
}
