import Glibc

/// How much room the log has left, and for how long.
package struct LogRunway: Sendable, Equatable {
    /// What the log runs into.
    package enum Limit: String, Sendable, Codable {
        /// `log.retain.size`: segments nobody needs are given up.
        case size
        /// `log.retain.hard_size`: segments are given up that are still needed.
        case hardSize = "hard_size"
        /// The file system has no room: nothing is acknowledged.
        case fileSystem = "file_system"
    }

    package var bytes: Int64
    package var growth: GrowthMeter.Growth?
    package var sizeBytes: Int64?
    package var hardSizeBytes: Int64?
    /// Free for this process on the log's file system; nil when it does not say.
    package var fileSystemFreeBytes: Int64?

    /// Hours until `limit`, at the growth measured; 0 when it is reached; nil when there is no such limit or
    /// the log does not grow.
    package func hours(until limit: Limit) -> Double? {
        let room: Int64? =
            switch limit {
            case .size: sizeBytes.map { $0 - bytes }
            case .hardSize: hardSizeBytes.map { $0 - bytes }
            case .fileSystem: fileSystemFreeBytes
            }
        guard let room else { return nil }
        if room <= 0 { return 0 }
        guard let growth, growth.bytesPerHour > 0 else { return nil }
        return Double(room) / growth.bytesPerHour
    }

    /// Which limit comes first, and in how many hours; nil when none is in sight. What `size` gives up
    /// makes room, so that the other two then only come if segments are held.
    package var first: (limit: Limit, hours: Double)? {
        var first: (limit: Limit, hours: Double)?
        for limit in [Limit.fileSystem, .hardSize, .size] {
            guard let hours = hours(until: limit), hours < first?.hours ?? .infinity else { continue }
            first = (limit, hours)
        }
        return first
    }
}

extension EventLog {
    /// Room and growth as of now. Any thread.
    package func runway() -> LogRunway {
        LogRunway(
            bytes: diskBytes(), growth: growth.growth,
            sizeBytes: configuration.retention?.bytes, hardSizeBytes: configuration.retention?.hardBytes,
            fileSystemFreeBytes: FileCalls.freeBytes(folder.log))
    }

    /// How many segments, and bytes of them, whoever stands at `block` still needs. Any thread.
    package func held(from block: Int64) -> (segments: Int, bytes: Int64) {
        guard block < head.nextBlock else { return (0, 0) }
        let entries = catalog.entries
        let first = entries.lastIndex { $0.firstBlock <= block } ?? 0
        return entries[min(first, entries.count)...].reduce((0, 0)) { sum, entry in
            (sum.0 + 1, sum.1 + SegmentCatalog.bytes(entry))
        }
    }
}
