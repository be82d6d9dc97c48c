import SluiceServer
import Testing

@Suite struct LimitsTests {
    @Test func theDefaultsAgreeWithEachOther() {
        for shards in [1, 2, 64, 128] { #expect(Limits().conflicts(shards: shards) == []) }
    }

    @Test func everyConflictIsFound() {
        var limits = Limits()
        limits.bodyBytes = 2
        limits.inflatedBytes = 1
        limits.connections = 1
        limits.receiveMemoryBytes = 1
        limits.answerMemoryBytes = 1
        limits.recentBlocksBytes = 1
        #expect(
            limits.conflicts(shards: 2).map(\.key) == [
                "body", "connections", "receive_memory", "answer_memory", "recent_blocks",
            ])
    }

    @Test func eachSettableLimitHasALineThatShowsItsDefault() {
        let keys = Limits().lines.compactMap(\.key)
        #expect(keys == ConfigurationKeys.limits)
        #expect(Limits().lines.allSatisfy { $0.defaultValue == nil })
        var limits = Limits()
        limits.bodyBytes = 2 << 20
        let body = limits.lines[0]
        #expect(body.value == "2MiB")
        #expect(body.defaultValue == "1MiB")
    }

    @Test func connectionsGiveWayToTheProcessesOwnLimit() {
        var limits = Limits()
        limits.lowerConnections(by: 99_000, shards: 4)
        #expect(limits.connections == 1000)
        limits.lowerConnections(by: 99_000, shards: 4)
        #expect(limits.connections == 64, "a few always stay")
        limits.connections = 10
        limits.lowerConnections(by: 5, shards: 4)
        #expect(limits.connections == 10, "and never more than there were")
        #expect(limits.conflicts(shards: 4) == [])
    }

    @Test func descriptorsAreCounted() {
        let limits = Limits()
        var destination = DestinationSettings(
            name: "a", platform: .webhook, url: WebAddress(scheme: "http", host: "a", path: ""))
        destination.concurrency = 10
        let without = limits.fileDescriptors(shards: 1, destinations: [])
        #expect(without > limits.connections)
        #expect(limits.fileDescriptors(shards: 1, destinations: [destination]) == without + 10)
    }
}
