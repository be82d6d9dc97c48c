import Glibc
import SluiceIO
import Synchronization

/// Every event that the gateway acknowledged, in the order of the answers.
///
/// With a file, each answer's events are appended to it, before the next request leaves, by one
/// `write`; the file thus survives the generator. It is not synced: it outlives processes, not power.
///
/// Invariant: an event is in here only when a 2xx for its request was read completely.
package final class TrafficLedger: Sendable {
    private struct State {
        var events: [TrafficEvent] = []
        var unlisted = 0
    }

    package let eventsMax: Int
    private let descriptor: Int32?
    private let state = Mutex(State())

    /// In memory only.
    package init(eventsMax: Int = 10_000_000) {
        self.eventsMax = eventsMax
        descriptor = nil
    }

    /// - Parameters:
    ///   - path: a file to append to, made if it is not there.
    ///   - eventsMax: the most events remembered, at 24 bytes each; more are counted as unlisted.
    package init(path: String, eventsMax: Int = 10_000_000) throws(SystemError) {
        self.eventsMax = eventsMax
        // Safety: `open` reads the path, which Swift zero-terminates, and keeps no pointer to it.
        let opened = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard opened >= 0 else { throw SystemError(call: "open", code: errno) }
        descriptor = opened
    }

    deinit {
        if let descriptor { close(descriptor) }
    }

    package var events: [TrafficEvent] { state.withLock { $0.events } }

    package var count: Int { state.withLock { $0.events.count } }

    /// Acknowledged events that there was no room to remember.
    package var unlisted: Int { state.withLock { $0.unlisted } }

    package func acknowledge(_ events: [TrafficEvent]) {
        guard !events.isEmpty else { return }
        if let descriptor {
            let text = Array(events.map { $0.line + "\n" }.joined().utf8)
            // Safety: `write` reads text.count bytes of a live array. A short write tears a line,
            // which reading back skips; memory still holds it.
            _ = unsafe text.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
        }
        state.withLock { state in
            if state.events.count + events.count <= eventsMax {
                state.events += events
            } else {
                state.unlisted += events.count
            }
        }
    }

    /// The events in a ledger file's text.
    package static func parse(_ text: String) -> [TrafficEvent] {
        text.split(separator: "\n").compactMap { TrafficEvent(line: $0) }
    }
}
