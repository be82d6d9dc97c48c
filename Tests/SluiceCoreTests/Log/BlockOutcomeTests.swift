import SluiceCore
import Testing

@Suite struct BlockOutcomeTests {
    private func run(_ hour: Int64? = 0, firstEvent: Int64 = 100) -> BlockOutcome {
        BlockOutcome(
            destination: "d", first: EventSequence(block: 7, index: 0), lastBlock: 7, firstEvent: firstEvent,
            hour: hour)
    }

    private func add(_ outcome: Outcome, _ count: Int64, block: Int64 = 7, to run: inout BlockOutcome) -> Bool {
        run.append(
            outcome, count, at: EventSequence(block: block, index: 0), eventNumber: run.endEvent, hour: run.hour)
    }

    @Test func eventsOfOneKindNeedNoBitmap() {
        var run = run()
        for block in Int64(7)..<1000 { #expect(add(.delivered, 1000, block: block, to: &run)) }
        #expect(run.filteredEvents.isEmpty && run.counts.delivered == 993_000 && run.lastBlock == 999)
        #expect(run.isFiltered(100) == false && run.isFiltered(993_099) == false)
        #expect(run.isFiltered(99) == nil && run.isFiltered(993_100) == nil)
        // What is rejected has a row of its own.
        #expect(add(.rejected, 1, block: 999, to: &run) && run.filteredEvents.isEmpty)
        // So many of one kind are not given bits for one of the other.
        #expect(!add(.filtered, 1, block: 1000, to: &run))
        #expect(run.eventCount == 993_001)
    }

    @Test func mixedEventsAreToldApart() {
        var run = run()
        let pattern: [(Outcome, Int64)] = [
            (.filtered, 13), (.delivered, 1), (.filtered, 1), (.rejected, 9), (.filtered, 40), (.delivered, 8),
        ]
        var expected: [Bool] = []
        for (outcome, count) in pattern {
            #expect(add(outcome, count, to: &run))
            expected += [Bool](repeating: outcome == .filtered, count: Int(count))
        }
        #expect((100..<172).map { run.isFiltered($0) } == expected.map { $0 })
        #expect(run.counts.filtered == 54 && run.counts.rejected == 9 && run.counts.delivered == 9)
        #expect(run.filteredEvents.count == 9)
    }

    @Test func runsThatFollowBecomeOne() {
        for (first, second): (Outcome, Outcome) in [
            (.delivered, .delivered), (.filtered, .filtered), (.delivered, .filtered), (.filtered, .parked),
        ] {
            var left = run()
            #expect(add(first, 5, to: &left))
            var right = run(firstEvent: 105)
            #expect(add(second, 11, to: &right))
            var mixed = run(firstEvent: 116)
            #expect(add(.delivered, 3, to: &mixed) && add(.filtered, 3, to: &mixed))
            #expect(left.append(right) && left.append(mixed))
            let expected =
                [Bool](repeating: first == .filtered, count: 5)
                + [Bool](repeating: second == .filtered, count: 11) + [false, false, false, true, true, true]
            #expect((100..<122).map { left.isFiltered($0) } == expected.map { $0 })
            #expect(left.eventCount == 22 && left.endEvent == 122)
        }
    }

    @Test func anotherHourOrAGapBeginsAnotherRun() {
        var run = run(0)
        #expect(add(.delivered, 1, to: &run))
        let place = EventSequence(block: 8, index: 0)
        #expect(!run.append(.delivered, 1, at: place, eventNumber: 101, hour: 3_600_000))
        #expect(!run.append(.delivered, 1, at: place, eventNumber: 102, hour: 0))
        #expect(!run.append(.delivered, 1, at: EventSequence(block: 6, index: 0), eventNumber: 101, hour: 0))
        #expect(run.append(.delivered, 1, at: place, eventNumber: 101, hour: 0))
    }

    @Test func aMixedRunIsBounded() {
        var run = run()
        #expect(add(.delivered, 1, to: &run) && add(.filtered, 1, to: &run))
        #expect(add(.delivered, BlockOutcome.mixedEventsMax - 2, to: &run))
        #expect(!add(.delivered, 1, to: &run) && !add(.filtered, 1, to: &run))
        #expect(run.filteredEvents.count == 2048)
    }

    @Test func aCorrectionKeepsWhatWasFiltered() {
        var run = run()
        #expect(add(.filtered, 3, to: &run))
        #expect(run.correct(from: .filtered, to: .delivered))
        #expect(run.counts.filtered == 2 && run.counts.delivered == 1)
        #expect(run.tellsApart && run.isFiltered(101) == true)
        #expect(add(.delivered, 1, to: &run) && run.isFiltered(103) == false)
        #expect(!run.correct(from: .parked, to: .delivered))
    }

    @Test func hoursBeginOnTheHour() {
        #expect(BlockOutcome.hour(of: 1_767_323_045_678) == 1_767_322_800_000)
        #expect(BlockOutcome.hour(of: 3_599_999) == 0 && BlockOutcome.hour(of: 3_600_000) == 3_600_000)
        #expect(BlockOutcome.hour(of: -1) == -3_600_000)
    }
}
