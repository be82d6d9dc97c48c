import SluiceCore
import Synchronization

/// A segment that is given up although somebody needs it: sees to it that its events are on record by hour before its
/// file goes. Made and noted by the log thread, then the reaper's thread's.
final class GivenUpSegment: Sendable {
    private let entry: SegmentCatalog.Entry
    private let blocks: Range<Int64>
    private let firstEvent: Int64?
    private let endEvent: Int64?
    private let isRefined = Atomic<Bool>(false)

    init(_ entry: SegmentCatalog.Entry, next: SegmentCatalog.Entry, in givenUp: GivenUp) {
        self.entry = entry
        blocks = entry.firstBlock..<next.firstBlock
        firstEvent = entry.firstEvent ?? givenUp.endEvent(before: entry.firstBlock)
        endEvent = next.firstEvent ?? entry.endEvent
    }

    /// Its events, all in the hour of the newest of them; nil where that is not known without reading it.
    private var whole: GivenUpEvents? {
        guard let firstEvent, let endEvent, firstEvent < endEvent else { return nil }
        return GivenUpEvents(
            events: firstEvent..<endEvent, blocks: blocks, hour: BlockOutcome.hour(of: entry.newestMilliseconds ?? 0))
    }

    /// Before the catalog forgets it, and so before any reader can miss it.
    func note(in givenUp: GivenUp) {
        if let whole { givenUp.note([whole]) }
    }

    /// Finds the hours of its events once; whether they are on disk.
    func isRecorded(in givenUp: GivenUp) -> Bool {
        if !isRefined.exchange(true, ordering: .relaxed) {
            if whole != nil { givenUp.refine(parts()) } else { givenUp.note(parts()) }
        }
        return givenUp.isSaved(before: blocks.upperBound)
    }

    /// Its events by hour, without a hole: what cannot be read belongs to the hour before it.
    private func parts() -> [GivenUpEvents] {
        var parts: [GivenUpEvents] = []
        var next = firstEvent
        var hour = BlockOutcome.hour(of: entry.newestMilliseconds ?? 0)
        if let connection = try? SegmentConnection(path: entry.path) {
            defer { connection.close() }
            // Damage ends the walk; what is behind it follows from where the next segment begins.
            try? connection.forEachExtent(blocks) { number, firstEvent, events, received in
                let (end, overflow) = firstEvent.addingReportingOverflow(events)
                guard !overflow, firstEvent >= next ?? 0, end <= self.endEvent ?? Int64.max else { return }
                if let start = next, firstEvent > start, !parts.isEmpty { extend(&parts, to: firstEvent, number) }
                let start = parts.isEmpty ? min(next ?? firstEvent, firstEvent) : firstEvent
                hour = BlockOutcome.hour(of: received)
                if let last = parts.last, last.hour == hour {
                    extend(&parts, to: end, number + 1)
                } else {
                    let first = parts.last?.blocks.upperBound ?? blocks.lowerBound
                    parts.append(GivenUpEvents(events: start..<end, blocks: first..<number + 1, hour: hour))
                }
                next = end
            }
        }
        guard let endEvent, let start = next else { return parts }
        if parts.isEmpty {
            if endEvent > start { parts = [GivenUpEvents(events: start..<endEvent, blocks: blocks, hour: hour)] }
        } else {
            extend(&parts, to: max(start, endEvent), blocks.upperBound)
        }
        return parts
    }

    private func extend(_ parts: inout [GivenUpEvents], to event: Int64, _ block: Int64) {
        let last = parts.count - 1
        parts[last].events = parts[last].events.lowerBound..<event
        parts[last].blocks = parts[last].blocks.lowerBound..<max(parts[last].blocks.upperBound, block)
    }
}
