import Foundation
import SluiceCore
import Synchronization

/// Finds out what exactly cannot be read of a segment that a reader stumbled over, and puts it into quarantine.
///
/// A question or a replay sees that a page is damaged, and not which blocks that takes. The segment is read once,
/// block by block, on a thread of its own that lives as long as that takes, so that nobody waits for it. Any thread.
final class DamageScout: Sendable {
    private struct State {
        /// First blocks of segments that were looked at, or are about to be.
        var seen: Set<Int64> = []
        var waiting: [(entry: SegmentCatalog.Entry, end: Int64)] = []
        var isRunning = false
        var isClosed = false
    }

    private let quarantine: Quarantine
    private let catalog: SegmentCatalog
    private let headCell: LogHeadCell
    private let clock: LogClock
    private let state = Mutex(State())
    private let running = DispatchGroup()

    init(quarantine: Quarantine, catalog: SegmentCatalog, headCell: LogHeadCell, clock: LogClock) {
        self.quarantine = quarantine
        self.catalog = catalog
        self.headCell = headCell
        self.clock = clock
    }

    /// A block that was read and is not what was written.
    func found(_ stored: StoredBlock, _ damage: BlockDamage) {
        note(stored.number...stored.number, events: stored.eventCount, "\(damage.label)")
    }

    /// A segment of which something could not be read. Only once for each.
    func inspect(_ entry: SegmentCatalog.Entry) {
        // One that could not be read when the log was opened was noted whole.
        guard entry.firstEvent != nil else { return }
        let isIdle = state.withLock { state in
            guard !state.isClosed, state.seen.insert(entry.firstBlock).inserted else { return false }
            let next = catalog.entries.first { $0.firstBlock > entry.firstBlock }?.firstBlock
            state.waiting.append((entry, next ?? headCell.load().nextBlock))
            defer { state.isRunning = true }
            if !state.isRunning { running.enter() }
            return !state.isRunning
        }
        guard isIdle else { return }
        Thread.detachNewThread { [self] in
            while let next = next() { walk(next.entry, end: next.end) }
            running.leave()
        }
    }

    /// Ends what is under way; what was not looked at is found again.
    func close() {
        state.withLock { state in
            state.isClosed = true
            state.waiting = []
        }
        running.wait()
    }

    private func next() -> (entry: SegmentCatalog.Entry, end: Int64)? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isRunning = false
                return nil
            }
            return state.waiting.removeFirst()
        }
    }

    private func walk(_ entry: SegmentCatalog.Entry, end: Int64) {
        let decoder = BlockDecoder()
        var reached = entry.firstBlock
        var nextEvent = entry.firstEvent ?? 0
        let walk = SegmentWalk(path: entry.path, received: Int64.min..<Int64.max) { part in
            switch part {
            case .blocks(_, let numbers, let events, let reason):
                let last = min(numbers.upperBound, end) - 1
                guard numbers.lowerBound <= last else { return }
                self.note(numbers.lowerBound...last, events: events ?? 0, reason)
                reached = max(reached, last + 1)
                nextEvent += Int64(events ?? 0)
            case .segment(_, let reason):
                if reached < end { self.note(reached...end - 1, events: 0, reason.description) }
            case .gap: break
            }
        }
        defer { walk.close() }
        // `body` never throws.
        let isWhole = try? walk.ascend(entry.firstBlock..<end) { stored in
            // A page that still looks like one may have lost rows without a word.
            if stored.number > reached {
                let events = Int(clamping: max(0, stored.firstEvent - nextEvent))
                note(reached...stored.number - 1, events: events, DamageScout.rowsMissing)
            }
            reached = stored.number + 1
            nextEvent = stored.firstEvent + Int64(stored.eventCount)
            do throws(BlockDamage) { _ = try decoder.decode(stored) } catch { found(stored, error) }
            return !state.withLock { $0.isClosed }
        }
        // Of the newest, `end` was where the log ended when it was asked for.
        guard isWhole == true, reached < end else { return }
        note(
            reached...end - 1, events: Int(clamping: max(0, (entry.endEvent ?? nextEvent) - nextEvent)),
            DamageScout.rowsMissing)
    }

    static let rowsMissing = "its row is gone"

    private func note(_ numbers: ClosedRange<Int64>, events: Int, _ reason: String) {
        quarantine.note(
            QuarantinedBlocks(
                firstBlock: numbers.lowerBound, lastBlock: numbers.upperBound, events: events, reason: reason,
                segment: catalog.segmentName(holding: numbers.lowerBound),
                foundMilliseconds: clock.wallMilliseconds()))
    }
}
