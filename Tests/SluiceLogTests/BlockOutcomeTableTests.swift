import GRDB
import SluiceCore
import Testing

@testable import SluiceLog

@Suite struct BlockOutcomeTableTests {
    private func run(
        _ first: Int64, _ last: Int64, event: Int64, hour: Int64? = 0, _ counts: (inout OutcomeCounts) -> Void
    ) -> BlockOutcome {
        var run = BlockOutcome(
            destination: "d", first: EventSequence(block: first, index: 0), lastBlock: last, firstEvent: event,
            hour: hour)
        counts(&run.counts)
        return run
    }

    private func cursor(block: Int64, _ counts: (inout OutcomeCounts) -> Void) -> SluiceCore.Cursor {
        var cursor = SluiceCore.Cursor(
            destination: "d", position: EventSequence(block: block, index: 0), startEvent: 0,
            counts: OutcomeCounts())
        counts(&cursor.counts)
        return cursor
    }

    private func row(_ sequence: EventSequence, _ outcome: Outcome) -> ExceptionalOutcome {
        ExceptionalOutcome(
            destination: "d", sequence: sequence, eventID: "e", outcome: outcome, status: 422, reason: "why",
            attempts: 3, firstAttemptMilliseconds: 5, lastAttemptMilliseconds: 9, url: "http://u.test")
    }

    @Test func aRunThatGrewTakesItsOwnPlace() throws {
        let folder = TemporaryFolder()
        let store = try StateStore(path: folder.file("state.sqlite"))
        var change = DeliveryChange(cursors: [cursor(block: 3) { $0.delivered = 5 }])
        change.blocks = [run(1, 2, event: 0) { $0.delivered = 5 }]
        try store.save(change)
        change.cursors = [
            cursor(block: 4) {
                $0.delivered = 6; $0.filtered = 3
            }
        ]
        var grown = run(1, 3, event: 0) {
            $0.delivered = 6; $0.filtered = 3
        }
        grown.filteredEvents = [0b1100_0000, 1]
        change.blocks = [grown]
        try store.save(change)
        let reader = try StateReader(path: folder.file("state.sqlite"))
        let record = try #require(try reader.records(of: EventSequence(block: 2, index: 7)).first)
        #expect(record.run == grown && record.cursor == change.cursors[0] && record.exception == nil)
        #expect(record.run?.isFiltered(6) == true && record.run?.isFiltered(5) == false)
        #expect(try reader.records(of: EventSequence(block: 4, index: 0)).first?.run == nil)
        let outcomes = try reader.outcomes(since: 0, firstEvent: 0)
        #expect(outcomes.sums == ["d": [0: grown.counts]] && outcomes.unplaced.isEmpty && outcomes.early.isEmpty)
        #expect(try reader.outcomes(since: 1, firstEvent: 0).sums.isEmpty)
        var early = grown
        early.filteredEvents = []
        #expect(try reader.outcomes(since: 0, firstEvent: 1).early == [early])
    }

    @Test func whatSpeaksOfAnotherLogIsForgotten() throws {
        let folder = TemporaryFolder()
        let store = try StateStore(path: folder.file("state.sqlite"))
        var change = DeliveryChange(cursors: [cursor(block: 9) { $0.delivered = 5 }])
        change.blocks = [run(1, 8, event: 0) { $0.delivered = 5 }]
        try store.save(change)
        var restart = DeliveryChange(cursors: [cursor(block: 1) { _ in }])
        restart.restarted = ["d"]
        try store.save(restart)
        let reader = try StateReader(path: folder.file("state.sqlite"))
        #expect(try reader.records(of: EventSequence(block: 2, index: 0)).first?.run == nil)
    }

    @Test func outcomesOfGivenUpBlocksAreForgottenAFewAtATime() throws {
        let folder = TemporaryFolder()
        let store = try StateStore(path: folder.file("state.sqlite"))
        var change = DeliveryChange(cursors: [cursor(block: 21) { $0.delivered = 20 }])
        change.blocks = (1...20).map { number in run(number, number, event: number - 1) { $0.delivered = 1 } }
        change.exceptions = (1...20).map { row(EventSequence(block: $0, index: 0), .rejected) }
        try store.save(change)
        let isMore = try store.queue.inDatabase { database in
            [
                try StateStore.prune(before: 11, limit: 15, in: database),
                try StateStore.prune(before: 11, limit: 15, in: database),
            ]
        }
        #expect(isMore == [true, false])
        let reader = try StateReader(path: folder.file("state.sqlite"))
        for block in Int64(1)...20 {
            let record = try #require(try reader.records(of: EventSequence(block: block, index: 0)).first)
            #expect((record.run == nil) == (block < 11) && (record.exception == nil) == (block < 11))
        }
    }

    @Test func whatIsForgottenStaysInTheSumsOfItsHour() throws {
        let folder = TemporaryFolder()
        let store = try StateStore(path: folder.file("state.sqlite"))
        let hour: Int64 = 3_600_000
        var change = DeliveryChange(cursors: [
            cursor(block: 9) {
                $0.delivered = 9; $0.expired = 10
            }
        ])
        var known = run(1, 2, event: 0) { $0.delivered = 5 }
        known.hour = hour
        var lost = run(3, 6, event: 5) { $0.expired = 10 }
        lost.hour = nil
        var last = run(7, 8, event: 15) { $0.delivered = 4 }
        last.hour = 2 * hour
        change.blocks = [known, lost, last]
        try store.save(change)
        try store.queue.inDatabase { database in
            try GivenUpTable.insert(
                [
                    GivenUpEvents(events: 5..<8, blocks: 3..<4, hour: hour),
                    GivenUpEvents(events: 8..<15, blocks: 4..<7, hour: 2 * hour),
                ], into: database)
            #expect(try !StateStore.prune(before: 100, limit: 100, in: database))
            #expect(try !StateStore.prune(before: 100, limit: 100, in: database), "nothing is summed up twice")
        }
        let outcomes = try StateReader(path: folder.file("state.sqlite")).outcomes(since: 0, firstEvent: 0)
        var first = OutcomeCounts()
        first.delivered = 5
        first.expired = 3
        var second = OutcomeCounts()
        second.expired = 7
        #expect(outcomes.forgotten == ["d": [hour: first, 2 * hour: second]])
        #expect(outcomes.forgottenEnd == ["d": 15] && outcomes.givenUp.count == 2)
        #expect(outcomes.sums == ["d": [2 * hour: last.counts]], "the run at the cursor may still grow")
    }

    @Test func aCorrectionChangesRowRunAndCursorOnce() throws {
        let folder = TemporaryFolder()
        let store = try StateStore(path: folder.file("state.sqlite"))
        let place = EventSequence(block: 2, index: 1)
        var change = DeliveryChange(
            cursors: [
                cursor(block: 4) {
                    $0.delivered = 5; $0.rejected = 1
                }
            ], exceptions: [row(place, .rejected)])
        change.blocks = [
            run(1, 3, event: 0) {
                $0.delivered = 5; $0.rejected = 1
            }
        ]
        try store.save(change)
        var replayed = row(place, .delivered)
        replayed.reason = "replayed"
        let correction = OutcomeCorrection(from: .rejected, eventNumber: 2, row: replayed)
        var corrections = DeliveryChange()
        corrections.corrections = [correction, correction]
        #expect(try store.save(corrections) == [correction])
        #expect(try store.save(corrections) == [])
        let reader = try StateReader(path: folder.file("state.sqlite"))
        let record = try #require(try reader.records(of: place).first)
        #expect(record.exception == replayed)
        #expect(record.cursor.counts.delivered == 6 && record.cursor.counts.rejected == 0)
        #expect(record.run?.counts == record.cursor.counts)
        // Of an event nobody has anything on record about, nothing is changed.
        corrections.corrections = [
            OutcomeCorrection(from: .parked, eventNumber: 3, row: row(EventSequence(block: 2, index: 2), .delivered))
        ]
        #expect(try store.save(corrections) == [])
        #expect(try store.cursor(of: "d")?.counts == record.cursor.counts)
    }

    @Test func whatWasCountedBeforeIsTakenOver() throws {
        let folder = TemporaryFolder()
        let path = folder.file("state.sqlite")
        do {
            let store = try StateStore(path: path)
            try store.save(
                DeliveryChange(cursors: [
                    cursor(block: 9) {
                        $0.delivered = 5; $0.filtered = 2
                    }
                ]))
        }
        // A file as an earlier version left it.
        let queue = try DatabaseQueue(path: path)
        try queue.write {
            try $0.execute(
                sql: "DROP TABLE block_outcome; DELETE FROM grdb_migrations WHERE identifier LIKE '2 %'")
        }
        try queue.close()
        let store = try StateStore(path: path)
        let reader = try StateReader(path: path)
        let record = try #require(try reader.records(of: EventSequence(block: 4, index: 0)).first)
        #expect(record.run?.counts == record.cursor.counts && record.run?.hour == nil)
        #expect(record.run?.tellsApart == false && record.run?.isFiltered(3) == nil)
        _ = store
    }
}
