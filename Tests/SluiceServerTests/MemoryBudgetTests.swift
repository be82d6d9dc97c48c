import SluiceIO
import SluiceServer
import Testing

@Suite struct MemoryBudgetTests {
    @Test func itIsTheSumOfItsLines() {
        let limits = Limits()
        let budget = MemoryBudget(limits: limits, shards: 4, destinations: [])
        #expect(budget.totalBytes == budget.lines.reduce(0) { $0 + $1.bytes })
        #expect(budget.lines.contains { $0.bytes == limits.receiveMemoryBytes })
        #expect(budget.lines.allSatisfy { $0.bytes > 0 })
    }

    @Test func itGrowsWithShardsAndDestinations() {
        var destination = DestinationSettings(
            name: "a", platform: .webhook, url: WebAddress(scheme: "http", host: "a", path: ""))
        destination.concurrency = 3
        let small = MemoryBudget(limits: Limits(), shards: 1, destinations: [])
        let more = MemoryBudget(limits: Limits(), shards: 2, destinations: [destination])
        let block = Limits.blockBytes + Limits().inflatedBytes
        let edge = EdgeLimits.receiveOverdraftBytes + Limits.connectionAnswerBytes
        let perShard = edge + 2 * Limits().inflatedBytes + Limits.blocksPerShard * 2 * block
        // No more is being committed than there is, nor than one commit takes.
        let commit = Limits.commitBytes + block
        let committed =
            min(2 * Limits.blocksPerShard * block, commit) - min(Limits.blocksPerShard * block, commit)
        let perRequest = Limits.webhookBodyBytes + Limits.upstreamAnswerBytes
        let read = Limits.fetchedBlocksBytes + Limits.deliveryWindowBytes + block
        let replays = 2 * (Limits.deliveryWindowBytes + Limits.replayReadBytes + 2 * block)
        #expect(more.totalBytes - small.totalBytes == perShard + committed + read + 3 * perRequest + replays)
    }

    @Test func whatIsRememberedIsPartOfIt() {
        var deduplicate = DeduplicationSettings()
        deduplicate.events = 3_000_000
        let without = MemoryBudget(limits: Limits(), shards: 2, destinations: [])
        let with = MemoryBudget(limits: Limits(), shards: 2, destinations: [], deduplicate: deduplicate)
        #expect(
            with.totalBytes - without.totalBytes
                == 3 * 8 * (4_000_000 + 64) + 2 * Limits.waitingDuplicateBytes)
    }

    @Test func aCommitHasALimitOfItsOwn() {
        let block = Limits.blockBytes + Limits().inflatedBytes
        let line = MemoryBudget(limits: Limits(), shards: 64, destinations: []).lines.first {
            $0.holder == "blocks being committed"
        }
        #expect(line?.bytes == Limits.commitBytes + block)
    }
}
