import SluiceCore
import SluiceLog

/// What a data folder says of the gateway that worked on it: log, cursors and books, as of the last save.
/// Whatever only a process knows is at its beginning.
enum FolderStatus {
    /// - Parameters:
    ///   - hours: how many hours the books by hour go back; 0 leaves them out.
    ///   - reason: why the folder is looked into.
    static func read(_ place: CommandPlace, hours: Int, reason: String) throws(LogError) -> GatewayStatus {
        var status = GatewayStatus()
        status.phase = .stopped
        status.reasons = [reason]
        let state: StateReader?
        do throws(LogError) {
            state = try StateReader(folder: place.folder)
        } catch {
            // Where no gateway has run yet there are no cursors either.
            guard case .missing = error else { throw error }
            state = nil
        }
        // Cursors first: the head read after them is never behind what they have counted.
        let now = WallTime.nowMilliseconds()
        let since = BlockOutcome.hour(of: now) - Int64(max(1, hours) - 1) * 3_600_000
        let log = try LogFolderReader(folder: place.folder)
        let before = try log.hours(since: since)
        let outcomes = try state?.outcomes(since: since, firstEvent: before.firstEvent)
        let figures = try log.figures()
        status.log.nextBlock = figures.nextBlock
        status.log.events = figures.events
        status.log.segments = figures.segments
        status.log.diskBytes = Int(figures.diskBytes)
        if figures.unreadable > 0 {
            status.reasons.append("\(figures.unreadable) segments cannot be read; see sluice fsck")
        }
        guard let outcomes else { return status }
        for destination in place.destinations {
            guard let cursor = outcomes.cursors.first(where: { $0.destination == destination.name }) else {
                continue
            }
            status.destinations.append(
                try report(cursor, destination.platform, log, figures, now: now))
        }
        if hours > 0 {
            let picture = try log.hours(since: since)
            status.hours = HourBook.make(
                outcomes, log: LogHours.Picture(ranges: picture.ranges, firstEvent: before.firstEvent),
                names: status.destinations.map(\.name))
        }
        return status
    }

    /// The place in the log is told by the log's own count wherever it is at hand, so that the books are
    /// checked against the log and not against themselves.
    private static func report(
        _ cursor: Cursor, _ platform: String, _ log: LogFolderReader, _ figures: LogFolderFigures, now: Int64
    ) throws(LogError) -> DestinationReport {
        var report = DestinationReport()
        report.name = cursor.destination
        report.platform = platform
        if cursor.position.block >= figures.nextBlock {
            report.take(cursor, positionEvent: figures.events)
        } else if let place = try log.place(of: cursor.position) {
            report.take(cursor, positionEvent: place.eventNumber)
            report.lagSeconds = max(0, Double(now - place.receivedMilliseconds) / 1000)
        } else {
            report.take(cursor, positionEvent: cursor.startEvent + cursor.counts.total)
        }
        return report
    }
}
