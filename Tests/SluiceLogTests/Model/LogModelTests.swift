import Foundation
import Testing

@testable import SluiceLog

/// The log against an ideal one, on a disk that tears, reorders, fails and loses its power.
///
/// `SLUICE_MODEL_SEED` and `SLUICE_MODEL_STEPS` repeat or extend a run; `SLUICE_MODEL_SEEDS` says how many
/// seeds to run from there.
@Suite(.serialized) struct LogModelTests {
    private static func setting(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    private static func run(
        _ seed: UInt64, steps: Int, honesty: TornDisk.Honesty = .syncs
    ) throws -> LogModel.Figures {
        let model = try LogModel(LogModel.Options(seed: seed, steps: steps, honesty: honesty))
        do {
            try model.run()
        } catch {
            throw ModelFailure("SLUICE_MODEL_SEED=\(seed) SLUICE_MODEL_STEPS=\(steps): \(error)")
        }
        return model.figures
    }

    @Test func `an honest disk never loses what was acknowledged`() throws {
        let given = Self.setting("SLUICE_MODEL_SEED")
        let first = given ?? UInt64.random(in: 1...1_000_000_000)
        let steps = Int(Self.setting("SLUICE_MODEL_STEPS") ?? 60)
        let count = Self.setting("SLUICE_MODEL_SEEDS") ?? (given == nil ? 30 : 1)
        print("log model: seeds \(first) to \(first + count - 1), \(steps) steps each")
        var sum = LogModel.Figures()
        for seed in first..<first + count {
            do {
                sum.add(try Self.run(seed, steps: steps))
            } catch {
                Issue.record("\(error)")
                if given == nil { break }
            }
        }
        print("log model: \(sum)")
        // A model that meets nothing proves nothing.
        if count >= 30, steps >= 60 {
            #expect(sum.blocks > 300 && sum.powerLosses > 15 && sum.kills > 10 && sum.faults > 50)
            #expect(sum.failedBlocks > 20 && sum.cleanEnds > 20 && sum.cursorsSaved > 50)
        }
    }

    /// What the model is worth: it must notice a disk, or a log, that does not sync.
    @Test(arguments: [TornDisk.Honesty.ignoresFileSyncs, .ignoresFolderSyncs])
    func `a disk that lies about syncs is found out`(_ honesty: TornDisk.Honesty) throws {
        for seed in UInt64(1)...60 {
            do {
                _ = try Self.run(seed, steps: 60, honesty: honesty)
            } catch {
                return
            }
        }
        Issue.record("60 seeds passed on a disk that does not sync")
    }
}

extension LogModel.Figures {
    mutating func add(_ other: LogModel.Figures) {
        blocks += other.blocks
        failedBlocks += other.failedBlocks
        powerLosses += other.powerLosses
        kills += other.kills
        cleanEnds += other.cleanEnds
        failedOpens += other.failedOpens
        faults += other.faults
        segments = max(segments, other.segments)
        doubtfulKept += other.doubtfulKept
        cursorsSaved += other.cursorsSaved
    }
}
