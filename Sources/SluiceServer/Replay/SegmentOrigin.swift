import SluiceLog

/// Whether a segment file from an archive is a copy of one that this log still has, so that what is on record
/// speaks of its events.
///
/// Segments carry no mark of their log: two that have the same numbers and were made in the same millisecond
/// are one. Of a segment that retention took nothing is on record any more, wherever it came from.
enum SegmentOrigin {
    static let foreignNote =
        "what became of these events before is not on record: the file is another log's, or retention has taken"
        + " its segment since"

    /// - Parameter reader: of the file.
    static func isOwn(_ reader: LogFolderReader, of folder: DataFolder) -> Bool {
        guard let file = try? reader.segments().first?.description,
            let log = try? LogFolderReader(folder: folder.path).segments()
        else { return false }
        return log.contains { segment in
            segment.description.firstBlock == file.firstBlock && segment.description.firstEvent == file.firstEvent
                && segment.description.createdMilliseconds == file.createdMilliseconds
        }
    }
}
