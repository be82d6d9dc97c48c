import SluiceLog

/// How much room the log has, and for how long at the growth measured. Hours are nil where there is no such
/// limit or the log does not grow.
package struct RunwayReport: Sendable, Equatable, Codable {
    /// `log.retain.size` and `log.retain.hard_size`.
    package var size: Int?
    package var hardSize: Int?
    package var fileSystemFreeBytes: Int?
    /// Nil until it has been measured.
    package var growthBytesPerHour: Double?
    /// How long it has been measured, at most an hour.
    package var measuredSeconds: Double?
    package var hoursUntilSize: Double?
    package var hoursUntilHardSize: Double?
    package var hoursUntilFileSystemFull: Double?
    /// Which of them comes first: `size`, `hard_size` or `file_system`.
    package var firstLimit: String?
    package var firstHours: Double?

    package init() {}

    package init(_ runway: LogRunway) {
        size = runway.sizeBytes.map { Int($0) }
        hardSize = runway.hardSizeBytes.map { Int($0) }
        fileSystemFreeBytes = runway.fileSystemFreeBytes.map { Int($0) }
        growthBytesPerHour = runway.growth?.bytesPerHour
        measuredSeconds = runway.growth?.measuredSeconds
        hoursUntilSize = runway.hours(until: .size)
        hoursUntilHardSize = runway.hours(until: .hardSize)
        hoursUntilFileSystemFull = runway.hours(until: .fileSystem)
        firstLimit = runway.first?.limit.rawValue
        firstHours = runway.first?.hours
    }
}

/// Who keeps retention from giving segments up.
package struct HolderReport: Sendable, Equatable, Codable {
    /// A destination's name, or a replay job's.
    package var name = ""
    /// The first block it needs; 0 while that is not known.
    package var block: Int64 = 0
    /// Segments from there on, the one that is written to included.
    package var segments = 0
    package var bytes = 0

    package init() {}

    package init(name: String, block: Int64, segments: Int, bytes: Int) {
        self.name = name
        self.block = block
        self.segments = segments
        self.bytes = bytes
    }
}

/// Blocks that cannot be read as they were written.
package struct QuarantineReport: Sendable, Equatable, Codable {
    package var firstBlock: Int64 = 0
    package var lastBlock: Int64 = 0
    package var events = 0
    package var reason = ""
    package var segment = ""
    /// RFC 3339.
    package var foundAt = ""

    package init() {}

    package init(_ blocks: QuarantinedBlocks) {
        firstBlock = blocks.firstBlock
        lastBlock = blocks.lastBlock
        events = blocks.events
        reason = blocks.reason
        segment = blocks.segment
        foundAt = WallTime.text(blocks.foundMilliseconds)
    }
}

extension LogReport {
    /// Damage that is listed; all of it is counted.
    package static let quarantineListMax = 20

    /// Takes in what retention and readers found out.
    package mutating func take(_ log: EventLog) {
        runway = RunwayReport(log.runway())
        held = log.holds.holders.map { holder in
            let held = log.held(from: holder.block)
            return HolderReport(
                name: holder.name, block: holder.block, segments: held.segments, bytes: Int(held.bytes))
        }
        removedSegments = Int(log.stats.removedSegments.load(ordering: .relaxed))
        removedEvents = Int(log.stats.removedEvents.load(ordering: .relaxed))
        removedBytes = Int(log.stats.removedBytes.load(ordering: .relaxed))
        forcedSegments = Int(log.stats.forcedSegments.load(ordering: .relaxed))
        let damage = log.quarantine.blocks
        quarantinedBlocks = damage.reduce(0) { $0 + Int($1.lastBlock - $1.firstBlock + 1) }
        quarantinedEvents = damage.reduce(0) { $0 + $1.events }
        quarantine = damage.suffix(LogReport.quarantineListMax).map(QuarantineReport.init)
    }
}
