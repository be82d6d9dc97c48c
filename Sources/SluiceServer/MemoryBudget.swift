import SluiceDelivery
import SluiceIO
import SluiceLog

/// The most memory the gateway holds, as a sum with one line per holder.
package struct MemoryBudget: Sendable, Equatable {
    package struct Line: Sendable, Equatable {
        package var holder: String
        /// How the figure comes about, as in `4 x 1MiB`.
        package var reckoning: String
        package var bytes: Int
    }

    package private(set) var lines: [Line] = []

    package var totalBytes: Int { lines.reduce(0) { $0 + $1.bytes } }

    /// - Parameter deduplicate: nil where duplicates are taken like any other event.
    package init(
        limits: Limits, shards: Int, destinations: [DestinationSettings],
        deduplicate: DeduplicationSettings? = nil
    ) {
        add("connections", limits.connections, Limits.connectionStateBytes)
        add("requests being received", 1, limits.receiveMemoryBytes)
        add("whole requests beyond that", shards, EdgeLimits.receiveOverdraftBytes)
        add("answers waiting", 1, limits.answerMemoryBytes)
        add("one connection's answers beyond that", shards, Limits.connectionAnswerBytes)
        // Buffers grow by doubling, so they may be twice as large as what they hold.
        add("decompressed bodies, one per shard", shards, 2 * limits.inflatedBytes)
        // A block may overshoot by the events of one request.
        let blockBytes = Limits.blockBytes + limits.inflatedBytes
        let blocks = shards * Limits.blocksPerShard
        add("open blocks", blocks, 2 * blockBytes)
        add("blocks being committed", 1, min(blocks * blockBytes, Limits.commitBytes + blockBytes))
        if let deduplicate {
            // Of the three generations one is empty most of the time, and costs nothing then.
            add("fingerprints of known events", 3, FingerprintTable.bytes(events: deduplicate.events) / 3)
            add("answers to duplicates", shards, Limits.waitingDuplicateBytes)
        }
        add("recent blocks for delivery", 1, limits.recentBlocksBytes)
        add("block codecs", 1, Limits.codecBytes)
        add("databases", 1, Limits.databaseCacheBytes)
        if !destinations.isEmpty { add("blocks read from segments", 1, Limits.fetchedBlocksBytes) }
        for destination in destinations {
            add("events read for \(destination.name)", 1, Limits.deliveryWindowBytes + blockBytes)
            let requestBytes = Limits.webhookBodyBytes * (destination.gzip ? 2 : 1)
            add(
                "requests to \(destination.name)", destination.concurrency,
                requestBytes + Limits.upstreamAnswerBytes)
        }
        // A question holds one block at a time, as stored and as decoded, which is the larger.
        add("a question about a conversion", 2, blockBytes)
        if !destinations.isEmpty {
            add(
                "replays", ReplayLimits.runningMax,
                Limits.deliveryWindowBytes + Limits.replayReadBytes + 2 * blockBytes)
        }
        add("admin connections", Limits.adminConnections, Limits.adminConnectionBytes)
        add("tails", TailDesk.sessionsMax, EventLog.lightReaderBytes + Limits.fetchedBlocksBytes + blockBytes)
        add("refused requests", 2 * RefusalDesk.memoryMax, RefusalDesk.rowBytes)
    }

    private mutating func add(_ holder: String, _ count: Int, _ bytes: Int) {
        let reckoning = count == 1 ? ByteSize.text(bytes) : "\(count) x \(ByteSize.text(bytes))"
        lines.append(Line(holder: holder, reckoning: reckoning, bytes: count * bytes))
    }
}
