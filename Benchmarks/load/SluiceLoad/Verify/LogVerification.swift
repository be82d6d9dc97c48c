import SluiceCore
import SluiceLog

/// The log held against what was acknowledged: every acknowledged event must be there exactly once.
package struct LogVerification: Codable, Sendable, Equatable {
    /// Events in requests that were acknowledged.
    package var acknowledged = 0
    /// Of these, those found.
    package var found = 0
    package var missing = 0
    /// Events of this run found more than once, acknowledged or not.
    package var twice = 0
    /// Found without an acknowledgement: their answers were lost, which leaves both possible.
    package var unacknowledged = 0
    /// Blocks or segments that could not be read.
    package var unreadable = 0
    /// Some ids of those missing or twice.
    package var samples: [String] = []

    package init() {}

    /// Nothing acknowledged proves nothing.
    package var isGood: Bool { acknowledged > 0 && missing == 0 && twice == 0 && unreadable == 0 }

    private static let samplesMax = 10

    /// Reads the log once.
    ///
    /// - Parameters:
    ///   - folder: the gateway's data folder.
    ///   - ledgers: of each thread.
    ///   - sinceMilliseconds: when the run began, since 1970; what was received before is not read.
    package init(
        folder: String, run: RunID, ledgers: [AcknowledgedRequests], sinceMilliseconds: Int64
    ) throws {
        var seen = ledgers.map { EventBits(count: $0.numbered * $0.eventsPerRequest) }
        var twice: Set<String> = []
        var twiceCount = 0
        let reader = try LogFolderReader(folder: folder)
        var unreadable = 0
        reader.onUnreadable = { _ in unreadable += 1 }
        // A minute for clocks that were corrected meanwhile.
        try reader.forEachEventBlock(received: sinceMilliseconds - 60_000..<Int64.max) { block in
            for index in 0..<block.eventCount {
                block.withEvent(index) { line in
                    guard let id = run.find(in: line), id.thread < seen.count, id.number < seen[id.thread].count else {
                        return
                    }
                    if !seen[id.thread].insert(Int(id.number)) {
                        twiceCount += 1
                        if twice.count < Self.samplesMax {
                            twice.insert(run.text(thread: id.thread, number: id.number))
                        }
                    }
                }
            }
            return true
        }
        self.unreadable = unreadable
        self.twice = twiceCount
        samples = twice.sorted()
        for (thread, ledger) in ledgers.enumerated() { count(ledger, seen[thread], thread, run) }
    }

    private mutating func count(_ ledger: AcknowledgedRequests, _ seen: EventBits, _ thread: Int, _ run: RunID) {
        let events = ledger.eventsPerRequest
        for request in 0..<ledger.numbered {
            let isAcknowledged = ledger.isAcknowledged(request)
            for event in request * events..<(request + 1) * events {
                let isThere = seen.contains(event)
                guard isAcknowledged else {
                    if isThere { unacknowledged += 1 }
                    continue
                }
                acknowledged += 1
                if isThere {
                    found += 1
                } else {
                    missing += 1
                    if samples.count < Self.samplesMax {
                        samples.append(run.text(thread: thread, number: UInt64(event)))
                    }
                }
            }
        }
    }
}

/// A bit for each of so many events.
struct EventBits {
    let count: Int
    private var words: [UInt64]

    init(count: Int) {
        self.count = count
        words = [UInt64](repeating: 0, count: (count + 63) / 64)
    }

    func contains(_ event: Int) -> Bool { words[event >> 6] >> UInt64(event & 63) & 1 == 1 }

    /// False when it was there already.
    mutating func insert(_ event: Int) -> Bool {
        let bit: UInt64 = 1 << UInt64(event & 63)
        defer { words[event >> 6] |= bit }
        return words[event >> 6] & bit == 0
    }
}
