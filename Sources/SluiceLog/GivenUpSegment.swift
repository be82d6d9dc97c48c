import SluiceCore
import Synchronization

/// A segment that is given up although somebody needs it: sees to it that its events are noted by hour before its
/// file goes. Owner: the reaper's thread.
final class GivenUpSegment: Sendable {
    private let entry: SegmentCatalog.Entry
    private let blocks: Range<Int64>
    private let endEvent: Int64?
    private let isNoted = Atomic<Bool>(false)

    init(_ entry: SegmentCatalog.Entry, next: SegmentCatalog.Entry) {
        self.entry = entry
        blocks = entry.firstBlock..<next.firstBlock
        endEvent = next.firstEvent ?? entry.endEvent
    }

    /// Notes its events once; whether that is on disk.
    func isRecorded(in givenUp: GivenUp) -> Bool {
        if !isNoted.exchange(true, ordering: .relaxed) { givenUp.note(parts()) }
        return givenUp.isSaved
    }

    /// Its events by hour, without a hole: what cannot be read belongs to the hour before it.
    private func parts() -> [GivenUpEvents] {
        var parts: [GivenUpEvents] = []
        var next = entry.firstEvent
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
