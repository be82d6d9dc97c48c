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

    package init(limits: Limits, shards: Int, destinations: [DestinationSettings]) {
        add("connections", limits.connections, Limits.connectionStateBytes)
        add("requests being received", 1, limits.receiveMemoryBytes)
        add("answers waiting", 1, limits.answerMemoryBytes)
        add("decompressed bodies, one per shard", shards, limits.inflatedBytes)
        // A block may overshoot by the events of one request.
        add("open blocks", shards * Limits.blocksPerShard, Limits.blockBytes + limits.inflatedBytes)
        add("recent blocks for delivery", 1, limits.recentBlocksBytes)
        add("ids remembered for duplicates", Limits.fingerprints, Limits.fingerprintBytes)
        add("block codecs", 1, Limits.codecBytes)
        add("databases", 1, Limits.databaseCacheBytes)
        for destination in destinations {
            add(
                "requests to \(destination.name)", destination.concurrency,
                Limits.deliveryRequestBytes + Limits.upstreamAnswerBytes)
        }
        add("admin connections", Limits.adminConnections, Limits.adminConnectionBytes)
    }

    private mutating func add(_ holder: String, _ count: Int, _ bytes: Int) {
        let reckoning = count == 1 ? ByteSize.text(bytes) : "\(count) x \(ByteSize.text(bytes))"
        lines.append(Line(holder: holder, reckoning: reckoning, bytes: count * bytes))
    }
}
