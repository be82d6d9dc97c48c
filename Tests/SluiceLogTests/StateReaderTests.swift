import Foundation
import SluiceCore
import Testing

@testable import SluiceLog

@Suite struct StateReaderTests {
    private func cursor(_ name: String, _ block: Int64, _ index: Int, start: Int64 = 0) -> SluiceCore.Cursor {
        SluiceCore.Cursor(
            destination: name, position: EventSequence(block: block, index: index), startEvent: start,
            counts: OutcomeCounts())
    }

    private func exception(_ name: String, _ sequence: EventSequence, _ outcome: Outcome) -> ExceptionalOutcome {
        ExceptionalOutcome(
            destination: name, sequence: sequence, eventID: "e", outcome: outcome, status: 400,
            reason: "because of \(name)", attempts: 1, firstAttemptMilliseconds: 1, lastAttemptMilliseconds: 2,
            url: "https://example.test/")
    }

    @Test func tellsHowEveryDestinationStands() throws {
        let folder = TemporaryFolder()
        let path = folder.file("state.sqlite")
        let store = try StateStore(path: path)
        let asked = EventSequence(block: 4, index: 2)
        try store.save(
            cursors: [cursor("behind", 4, 2), cursor("ahead", 4, 3), cursor("late", 9, 0, start: 100)],
            exceptions: [
                exception("ahead", asked, .rejected), exception("behind", EventSequence(block: 4, index: 1), .expired),
                exception("late", EventSequence(block: 3, index: 2), .parked),
            ])
        let reader = try StateReader(path: path)
        let standings = try reader.standings(at: asked)
        #expect(
            standings == [
                "behind": Standing(position: asked, startEvent: 0, exception: nil),
                "ahead": Standing(
                    position: EventSequence(block: 4, index: 3), startEvent: 0,
                    exception: Standing.Exception(outcome: .rejected, reason: "because of ahead")),
                "late": Standing(position: EventSequence(block: 9, index: 0), startEvent: 100, exception: nil),
            ])
        #expect(try reader.destinations() == ["ahead", "behind", "late"])
    }

    @Test func seesWhatIsSavedAfterItWasOpened() throws {
        let folder = TemporaryFolder()
        let path = folder.file("state.sqlite")
        let store = try StateStore(path: path)
        let reader = try StateReader(path: path)
        #expect(try reader.standings(at: EventSequence(block: 1, index: 0)) == [:])
        try store.save(cursors: [cursor("a", 1, 0)], exceptions: [])
        #expect(try reader.standings(at: EventSequence(block: 1, index: 0))["a"]?.position.index == 0)
        try store.save(
            cursors: [cursor("a", 1, 1)], exceptions: [exception("a", EventSequence(block: 1, index: 0), .parked)])
        let standing = try #require(try reader.standings(at: EventSequence(block: 1, index: 0))["a"])
        #expect(standing.position.index == 1 && standing.exception?.outcome == .parked)
    }

    @Test func needsAFileAndNeverMakesOne() throws {
        let folder = TemporaryFolder()
        let path = folder.file("state.sqlite")
        #expect(throws: LogError.missing(path: path)) { try StateReader(path: path) }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func writesNothing() throws {
        let folder = TemporaryFolder()
        let path = folder.file("state.sqlite")
        let store = try StateStore(path: path)
        try store.save(cursors: [cursor("a", 1, 0)], exceptions: [])
        let log = try Data(contentsOf: URL(fileURLWithPath: path + "-wal"))
        let reader = try StateReader(path: path)
        _ = try reader.standings(at: EventSequence(block: 1, index: 0))
        #expect(try Data(contentsOf: URL(fileURLWithPath: path + "-wal")) == log)
        _ = store
    }
}
