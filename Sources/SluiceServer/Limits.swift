import SluiceCore
import SluiceDelivery
import SluiceLog

/// Every limit of the gateway, with its default: nothing grows without a bound that stands here.
///
/// The first group can be set under `limits:`; the second is fixed.
package struct Limits: Sendable, Equatable {
    /// Bytes of a request's body as it comes over the wire.
    package var bodyBytes = 1 << 20
    /// Bytes of a request's body after decompression.
    package var inflatedBytes = 8 << 20
    /// Bytes of a request's line and headers.
    package var headBytes = 16 << 10
    /// Open connections, all shards together.
    package var connections = 100_000
    /// Whether the configuration names `connections`; otherwise the process's own limit may lower it.
    package var namesConnections = false
    /// From a request's first byte to the end of its head.
    package var headTimeoutMilliseconds = 10_000
    /// From the end of a request's head to the end of its body.
    package var bodyTimeoutMilliseconds = 30_000
    /// Between two requests of a connection.
    package var idleTimeoutMilliseconds = 75_000
    /// Requests of one connection that wait for their answers.
    package var pipelinedRequests = 64
    /// Memory for requests that are being received, all shards together.
    package var receiveMemoryBytes = 256 << 20
    /// Memory for answers that wait for a commit or for a slow reader, all shards together. When a
    /// shard's part is spent, it closes connections whose clients do not read theirs, and requests wait.
    package var answerMemoryBytes = 64 << 20
    /// Memory for committed blocks kept for destinations that keep up: half of it for blocks as they
    /// are stored, half for those that several destinations read at once.
    package var recentBlocksBytes = 64 << 20

    /// A block is handed to the log when its payload has grown to this.
    package static let blockBytes = 1 << 20
    /// Blocks of one shard that are open, being committed, or on their way back.
    package static let blocksPerShard = 4
    /// Answers to duplicates that wait at one time in a shard; requests beyond that are put off.
    package static let waitingDuplicates = WaitingDuplicates.answersMax
    /// What those answers hold beside their text, with the duplicates of one request beyond the bound.
    package static let waitingDuplicateBytes = 8 << 20
    /// Nested arrays and objects in a JSON body.
    package static let jsonDepth = CoreLimits.jsonDepthMax
    /// Events in one native request.
    package static let requestEvents = CoreLimits.eventsPerRequestMax
    /// Bytes of one connection's answers that have not gone before no more is read from it.
    package static let connectionAnswerBytes = 256 << 10
    /// Bytes of state a connection costs apart from what it receives and answers.
    package static let connectionStateBytes = 1 << 10
    /// Working memory of the block codecs.
    package static let codecBytes = 8 << 20
    /// Bytes of blocks that one commit takes, compressed into memory before they are inserted; the last
    /// of them may go beyond it.
    package static let commitBytes = LogConfiguration().groupBytes
    /// Page caches of the log's and the state's databases.
    package static let databaseCacheBytes = 28 << 20
    /// Bytes of blocks read ahead from the segments for destinations that lag.
    package static let fetchedBlocksBytes = LogConfiguration.fetchedBytesMax
    /// Bytes of blocks a destination reads ahead of its cursor; the last of them may go beyond it.
    package static let deliveryWindowBytes = DestinationLimits().windowBytesMax
    /// Bytes of stored blocks that a replay reads ahead; the last of them may go beyond it.
    package static let replayReadBytes = LogConfiguration.replayReadBytesMax
    /// Bytes of one webhook request's body before compression; one event alone may go beyond it.
    package static let webhookBodyBytes = CoreLimits.webhookBodyBytesMax
    /// Bytes kept of an upstream's answer.
    package static let upstreamAnswerBytes = UpstreamTransfer.bodyKeptMax
    /// Connections to the admin port at the same time, and the memory of each.
    package static let adminConnections = 16
    package static let adminConnectionBytes = 256 << 10
    /// What the look-up desk opens: an eventfd, and a segment and the state file with their write-ahead logs.
    package static let lookupDescriptors = 8
    package static let sources = 1000
    package static let destinations = 64
    package static let configurationFileBytes = 1 << 20

    package init() {}
}

/// A limit as `sluice check` shows it.
package struct LimitLine: Sendable, Equatable {
    /// Under `limits:`; nil for a fixed limit.
    package var key: String?
    package var name: String
    package var value: String
    /// The default's text where the value is another.
    package var defaultValue: String?
}

extension Limits {
    /// Every limit, the settable ones first.
    package var lines: [LimitLine] {
        let defaults = Limits()
        func line(_ key: String, _ name: String, _ text: (Limits) -> String) -> LimitLine {
            let value = text(self)
            let standard = text(defaults)
            return LimitLine(
                key: key, name: name, value: value, defaultValue: value == standard ? nil : standard)
        }
        func fixed(_ name: String, _ value: String) -> LimitLine {
            LimitLine(key: nil, name: name, value: value, defaultValue: nil)
        }
        return [
            line("body", "request body") { ByteSize.text($0.bodyBytes) },
            line("inflated", "request body, decompressed") { ByteSize.text($0.inflatedBytes) },
            line("head", "request head") { ByteSize.text($0.headBytes) },
            line("connections", "open connections") { "\($0.connections)" },
            line("head_timeout", "time to receive a head") {
                Duration.text(milliseconds: $0.headTimeoutMilliseconds)
            },
            line("body_timeout", "time to receive a body") {
                Duration.text(milliseconds: $0.bodyTimeoutMilliseconds)
            },
            line("idle_timeout", "time between requests") {
                Duration.text(milliseconds: $0.idleTimeoutMilliseconds)
            },
            line("pipelined", "requests waiting per connection") { "\($0.pipelinedRequests)" },
            line("receive_memory", "memory for requests") { ByteSize.text($0.receiveMemoryBytes) },
            line("answer_memory", "memory for answers") { ByteSize.text($0.answerMemoryBytes) },
            line("recent_blocks", "memory for recent blocks") { ByteSize.text($0.recentBlocksBytes) },
            fixed("block", ByteSize.text(Limits.blockBytes)),
            fixed("blocks per shard", "\(Limits.blocksPerShard)"),
            fixed("answers to duplicates waiting per shard", "\(Limits.waitingDuplicates)"),
            fixed("depth of JSON", "\(Limits.jsonDepth)"),
            fixed("events in a native request", "\(Limits.requestEvents)"),
            fixed("answers waiting per connection", ByteSize.text(Limits.connectionAnswerBytes)),
            fixed("blocks in a commit", ByteSize.text(Limits.commitBytes)),
            fixed("read ahead per destination", ByteSize.text(Limits.deliveryWindowBytes)),
            fixed("webhook request body", ByteSize.text(Limits.webhookBodyBytes)),
            fixed("upstream's answer kept", ByteSize.text(Limits.upstreamAnswerBytes)),
            fixed("admin connections", "\(Limits.adminConnections)"),
            fixed("sources", "\(Limits.sources)"),
            fixed("destinations", "\(Limits.destinations)"),
            fixed("configuration file", ByteSize.text(Limits.configurationFileBytes)),
        ]
    }

    /// A limit that does not fit the others, under the key that is to be changed.
    package struct Conflict: Sendable, Equatable {
        package var key: String
        package var message: String
    }

    /// Where limits contradict each other, with `shards` shards.
    package func conflicts(shards: Int) -> [Conflict] {
        var conflicts: [Conflict] = []
        func check(_ holds: Bool, _ key: String, _ message: @autoclosure () -> String) {
            if !holds { conflicts.append(Conflict(key: key, message: message())) }
        }
        check(
            bodyBytes <= inflatedBytes, "body",
            "\(ByteSize.text(bodyBytes)) is more than limits.inflated (\(ByteSize.text(inflatedBytes)))")
        check(
            connections >= shards, "connections",
            "\(connections) is fewer than the \(shards) shards; each needs at least one")
        let requestBytes = headBytes + bodyBytes
        check(
            receiveMemoryBytes / shards >= requestBytes, "receive_memory",
            "\(ByteSize.text(receiveMemoryBytes)) over \(shards) shards leaves no room for one request of limits.head and limits.body together; at least \(ByteSize.text(requestBytes * shards)) is needed"
        )
        let answerBytes = 64 << 10
        check(
            answerMemoryBytes / shards >= answerBytes, "answer_memory",
            "\(ByteSize.text(answerMemoryBytes)) over \(shards) shards is less than 64KiB each; at least \(ByteSize.text(answerBytes * shards)) is needed"
        )
        check(
            recentBlocksBytes >= 2 * Limits.blockBytes, "recent_blocks",
            "\(ByteSize.text(recentBlocksBytes)) holds fewer than two blocks of \(ByteSize.text(Limits.blockBytes))"
        )
        return conflicts
    }

    /// Gives up `count` connections that there are no descriptors for; a few always stay.
    package mutating func lowerConnections(by count: Int, shards: Int) {
        connections = max(connections - count, min(connections, shards * 16))
    }

    /// File descriptors the gateway may hold at the same time.
    package func fileDescriptors(shards: Int, destinations: [DestinationSettings]) -> Int {
        let upstreams = destinations.reduce(0) { $0 + $1.concurrency }
        // A shard: epoll, eventfd, listeners. The rest: standard streams, databases, admin, delivery.
        return connections + shards * 8 + upstreams + Limits.adminConnections + Limits.lookupDescriptors + 64
    }
}
