import SluiceCore

/// A log as its files show it.
package struct LogFolderFigures: Sendable, Equatable {
    /// Files that can be read, and those that cannot.
    package var segments = 0
    package var unreadable = 0
    /// Bytes of all files of the log, write-ahead logs included.
    package var diskBytes: Int64 = 0
    /// The number the next block will get.
    package var nextBlock: Int64 = 1
    /// Events committed over the life of the data folder.
    package var events: Int64 = 0

    package init() {}
}

extension LogFolderReader {
    /// Where the log ends, and how much there is of it.
    package func figures() throws(LogError) -> LogFolderFigures {
        var figures = LogFolderFigures()
        for file in try files() {
            figures.diskBytes += (FileCalls.size(file.path) ?? 0) + (FileCalls.size(file.path + "-wal") ?? 0)
            do throws(LogError) {
                let segment = try describe(file)
                figures.segments += 1
                figures.nextBlock = segment.extent.map { $0.lastBlock + 1 } ?? segment.firstBlock
                figures.events = segment.extent?.endEvent ?? segment.description.firstEvent
            } catch {
                figures.unreadable += 1
                report(file, error)
            }
        }
        return figures
    }

    /// How many events the log holds before an event, by its blocks' own numbers, and when the event's block
    /// was received (milliseconds since 1970). Nil where the block is not there.
    package func place(
        of sequence: EventSequence
    ) throws(LogError) -> (eventNumber: Int64, receivedMilliseconds: Int64)? {
        guard let file = try files().last(where: { $0.firstBlock <= sequence.block }) else { return nil }
        let connection: SegmentConnection
        do throws(LogError) {
            connection = try SegmentConnection.anywhere(file.path)
        } catch {
            return nil
        }
        defer { connection.close() }
        var found: (eventNumber: Int64, receivedMilliseconds: Int64)?
        try? connection.forEachExtent(sequence.block..<sequence.block + 1) { _, firstEvent, events, received in
            guard sequence.index < events else { return }
            found = (firstEvent + Int64(sequence.index), received)
        }
        return found
    }

    /// Which events were received in which hour, from `hour` (milliseconds since 1970) on; see `LogHours`.
    package func hours(since hour: Int64) throws(LogError) -> LogHours.Picture {
        let end = try figures()
        var picture = LogHours.Picture(ranges: [:], firstEvent: end.events)
        var isOlder = false
        for file in try files().reversed() {
            var part = LogHours.Part(next: file.firstBlock)
            do throws(LogError) {
                let connection = try SegmentConnection.anywhere(file.path)
                defer { connection.close() }
                picture.firstEvent = min(picture.firstEvent, try connection.description().firstEvent)
                // What lies before an hour that is older than asked for is older still: only where it begins counts.
                guard !isOlder else { continue }
                try LogHours.read(connection, min(file.endBlock, end.nextBlock), &part)
            } catch {
                switch error {
                case .missing, .damaged, .foreignFile, .newerFormat: continue
                default: throw error
                }
            }
            for (partHour, ranges) in part.ranges where partHour >= hour {
                picture.ranges[partHour] = ranges + (picture.ranges[partHour] ?? [])
            }
            if let newest = part.ranges.keys.max(), newest < hour { isOlder = true }
        }
        return picture
    }
}
