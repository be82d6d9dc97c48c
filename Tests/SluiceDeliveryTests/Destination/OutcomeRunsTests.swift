import SluiceCore
import SluiceDelivery
import Testing

/// Random logs with holes and damage, random answers, saves, corrections and restarts: at each moment what is
/// on record by block adds up to the cursor's counts, and tells each event's outcome.
@Suite struct OutcomeRunsTests {
    private enum Entry {
        case block(EventBlock)
        case damaged(events: Int)
        case gone
    }

    private struct World {
        var entries: [Entry] = []
        var fates: [Int64: Outcome] = [:]
        var hours: [Int64: Int64] = [:]
        var places: [Int64: EventSequence] = [:]
        var events: Int64 = 0
    }

    private static func world(_ random: inout SplitMix64) -> World {
        var world = World()
        var received: Int64 = 1_767_322_800_000
        let mixture = Int.random(in: 0...3, using: &random)
        for number in 1...Int64.random(in: 1...40, using: &random) {
            received += Int64.random(in: 0...1_500_000, using: &random)
            let count = Int.random(in: 1...12, using: &random)
            var lines: [String] = []
            for index in 0..<count {
                let event = world.events + Int64(index)
                let roll = Int.random(in: 0..<10, using: &random)
                let fate: Outcome =
                    switch mixture {
                    case 0: .delivered
                    case 1: number % 5 < 3 ? .filtered : .delivered
                    default: roll < 3 ? .filtered : roll < 5 ? .rejected : .delivered
                    }
                world.fates[event] = fate
                world.hours[event] = BlockOutcome.hour(of: received)
                world.places[event] = EventSequence(block: number, index: index)
                lines.append(
                    fate == .filtered
                        ? eventLine("\(event)", network: "gowit")
                        : eventLine("\(event)", mark: fate == .rejected ? "bad" : ""))
            }
            let block = makeBlock(number, firstEvent: world.events, received: received, lines)
            switch Int.random(in: 0..<12, using: &random) {
            case 0: world.entries.append(.damaged(events: count))
            case 1: world.entries.append(.gone)
            default: world.entries.append(.block(block))
            }
            if case .block = world.entries[world.entries.count - 1] {
            } else {
                for event in world.events..<world.events + Int64(count) { world.fates[event] = .expired }
            }
            world.events += Int64(count)
        }
        // Behind a hole there must be a block that shows it.
        let last = makeBlock(
            Int64(world.entries.count + 1), firstEvent: world.events, received: received,
            [eventLine("\(world.events)")])
        world.fates[world.events] = .delivered
        world.hours[world.events] = BlockOutcome.hour(of: received)
        world.places[world.events] = EventSequence(block: last.number, index: 0)
        world.entries.append(.block(last))
        world.events += 1
        return world
    }

    /// Checks the record against what became of each event.
    private func check(_ state: MemoryState, _ world: World, corrected: Set<Int64>, _ seed: UInt64) {
        guard let cursor = state.saved("d") else { return }
        let runs = state.blocks("d")
        var sum = OutcomeCounts()
        var next: Int64 = 0
        for run in runs {
            #expect(run.firstEvent == next, "seed \(seed): runs follow each other")
            #expect(run.eventCount > 0 && run.tellsApart && run.lastBlock >= run.first.block)
            next = run.endEvent
            for outcome in Outcome.allCases { sum[outcome] += run.counts[outcome] }
            for event in run.firstEvent..<run.endEvent {
                let isLost = world.fates[event] == .expired
                #expect(run.hour == (isLost ? nil : world.hours[event]), "seed \(seed)")
                guard !corrected.contains(event) else { continue }
                #expect(run.isFiltered(event) == (world.fates[event] == .filtered), "seed \(seed)")
            }
        }
        #expect(sum == cursor.counts, "seed \(seed): by block and in all")
        #expect(next == cursor.counts.total)
    }

    @Test(arguments: 0..<120)
    func theRecordByBlockAddsUp(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let world = OutcomeRunsTests.world(&random)
        let state = MemoryState()
        let origin = Cursor(
            destination: "d", position: EventSequence(block: 1, index: 0), startEvent: 0, counts: OutcomeCounts())
        try state.save(DeliveryChange(cursors: [origin]))
        var limits = DestinationLimits()
        limits.batchEventsMax = Int.random(in: 1...8, using: &random)
        limits.retryForMilliseconds = .max / 4
        let now = Moment(monotonic: 1000, wall: 1_767_322_800_000)
        var destination = DestinationState(cursor: origin, limits: limits, seed: seed)
        var sent: [(BatchID, [Int64])] = []
        var corrected: Set<Int64> = []
        var steps = 0
        while destination.position.block <= Int64(world.entries.count) || destination.needsSave {
            steps += 1
            guard steps < 100_000 else {
                Issue.record("seed \(seed): no end in sight at \(destination.position)")
                return
            }
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<6:
                var number = Int(destination.nextBlock)
                while number <= world.entries.count, case .gone = world.entries[number - 1] { number += 1 }
                guard destination.wantsBlocks, number <= world.entries.count else { continue }
                switch world.entries[number - 1] {
                case .gone: continue
                case .damaged(let events):
                    // A hole in front of it is found with the next block that can be read.
                    guard number == Int(destination.nextBlock) else {
                        destination.appendDamaged(
                            number: Int64(number), eventCount: lostBefore(number, destination, world) + events,
                            reason: "checksum", now: now)
                        continue
                    }
                    destination.appendDamaged(
                        number: Int64(number), eventCount: events, reason: "checksum", now: now)
                case .block(let block):
                    _ = destination.append(block, now: now) { line in
                        EventSummary(line).map { $0.network.isEmpty }
                    }
                }
            case 6..<11:
                guard let batch = destination.takeBatch(now: now.monotonic) else { continue }
                var events: [Int64] = []
                _ = destination.encode(batch, now: now) { line in
                    events.append(Int64(EventSummary(line)!.idText)!)
                    return .added
                }
                destination.started(batch, now: now)
                sent.append((batch, events))
            case 11..<16:
                guard !sent.isEmpty else { continue }
                let (batch, events) = sent.remove(at: Int.random(in: 0..<sent.count, using: &random))
                let isBad = events.contains { world.fates[$0] == .rejected }
                destination.finish(
                    batch, isBad ? .split(status: 422, reason: "bad") : .delivered, url: "http://u.test", now: now)
            case 16, 17:
                guard destination.needsSave else { continue }
                destination.saved(try state.save(destination.change))
                #expect(destination.cursor == state.saved("d"), "seed \(seed): memory and record agree")
                check(state, world, corrected: corrected, seed)
            case 18:
                // An outcome on record turns out otherwise.
                let candidates = state.exceptions.filter {
                    $0.outcome == .rejected && $0.sequence < destination.position && !$0.eventID.isEmpty
                }
                guard var row = candidates.randomElement(using: &random) else { continue }
                row.outcome = .delivered
                row.reason = "replayed"
                let correction = OutcomeCorrection(from: .rejected, eventNumber: Int64(row.eventID)!, row: row)
                destination.correct(correction)
                if Bool.random(using: &random) { destination.correct(correction) }
                corrected.insert(correction.eventNumber)
            default:
                guard Int.random(in: 0..<4, using: &random) == 0 else { continue }
                let saved = try #require(state.saved("d"))
                destination = DestinationState(cursor: saved, limits: limits, seed: seed &+ UInt64(steps))
                sent = []
            }
        }
        check(state, world, corrected: corrected, seed)
        #expect(state.saved("d")?.counts.total == world.events)
        let delivered = world.fates.values.count { $0 == .delivered }
        let replayed = state.exceptions.count { $0.outcome == .delivered && $0.reason == "replayed" }
        #expect(state.saved("d")?.counts.delivered == Int64(delivered + replayed), "seed \(seed)")
    }

    private func lostBefore(_ number: Int, _ destination: borrowing DestinationState, _ world: World) -> Int {
        let first = Int(destination.nextBlock)
        return world.places.values.count { $0.block >= Int64(first) && $0.block < Int64(number) }
    }
}
