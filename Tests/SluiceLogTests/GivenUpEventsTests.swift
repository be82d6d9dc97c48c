import GRDB
import SluiceCore
import Testing

@testable import SluiceLog

@Suite struct GivenUpEventsTests {
    private func part(_ events: Range<Int64>, _ hour: Int64) -> GivenUpEvents {
        // Ten events a block.
        GivenUpEvents(events: events, blocks: events.lowerBound / 10 + 1..<events.upperBound / 10 + 1, hour: hour)
    }

    @Test func whatIsNotedIsKnownAtOnceAndItsHoursAreFoundLater() {
        let givenUp = GivenUp()
        givenUp.load([part(0..<20, 0)])
        givenUp.note([part(10..<60, 1)])
        #expect(
            givenUp.all
                == [part(0..<20, 0), part(20..<60, 1)].map { piece in
                    // What is known is left out, as far as events go.
                    piece.hour == 1 ? GivenUpEvents(events: 20..<60, blocks: 2..<7, hour: 1) : piece
                })
        #expect(givenUp.endBlock == 7 && givenUp.count(from: 30) == 30)
        givenUp.refine([part(20..<40, 0), part(40..<60, 1)])
        #expect(givenUp.all.map(\.events) == [0..<40, 40..<60] && givenUp.all.map(\.hour) == [0, 1])
        #expect(givenUp.unsaved.map(\.events) == [20..<40, 40..<60] && givenUp.unsaved.map(\.hour) == [0, 1])
        #expect(givenUp.count(from: 30) == 30, "no event twice")
    }

    /// The hours turn out while the segment is being saved, and a further one is noted.
    @Test func whatChangesDuringASaveIsStillToBeSaved() {
        let givenUp = GivenUp()
        givenUp.load([])
        givenUp.note([part(0..<40, 1)])
        let saving = givenUp.unsaved
        givenUp.refine([part(0..<20, 0), part(20..<40, 1)])
        givenUp.note([part(40..<50, 1)])
        givenUp.saved(saving)
        #expect(givenUp.unsaved == [part(0..<20, 0), part(40..<50, 1)])
        #expect(!givenUp.isSaved(before: 5) && !givenUp.isSaved(before: 6))
        givenUp.saved([part(0..<20, 0)])
        #expect(givenUp.isSaved(before: 5) && !givenUp.isSaved(before: 6))
        givenUp.refine([part(0..<20, 0), part(20..<40, 1)])
        #expect(givenUp.unsaved == [part(40..<50, 1)], "nothing new")
    }

    @Test func whatWasNotedBeforeTheStateFileWasReadIsSaved() {
        let givenUp = GivenUp()
        givenUp.note([part(20..<30, 1)])
        #expect(givenUp.unsaved.isEmpty)
        givenUp.load([part(0..<20, 0)], withoutHour: [100..<200])
        #expect(givenUp.all == [part(0..<20, 0), part(20..<30, 1)] && givenUp.unsaved == [part(20..<30, 1)])
        #expect(givenUp.wasPassed(100..<150) && !givenUp.wasPassed(150..<201) && !givenUp.wasPassed(0..<10))
    }

    @Test func aRowGivesWayToWhatIsKnownBetter() throws {
        let queue = try DatabaseQueue()
        try queue.write { database in
            try database.execute(sql: GivenUpTable.create)
            try GivenUpTable.insert([part(0..<40, 1), part(40..<80, 2)], into: database)
            try GivenUpTable.insert([part(20..<30, 0), part(40..<50, 1)], into: database)
            let rows = try GivenUpTable.read(database)
            #expect(rows == [part(0..<20, 1), part(20..<30, 0), part(30..<50, 1), part(50..<80, 2)])
            try GivenUpTable.insert(rows, into: database)
            #expect(try GivenUpTable.read(database).map(\.events) == rows.map(\.events))
        }
    }
}
