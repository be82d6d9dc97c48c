import SluiceCore
import SluiceDelivery
import SluiceLog

/// What is to be exported.
package struct ExportOptions: Sendable {
    /// Receive times, milliseconds since 1970.
    package var received: Range<Int64>
    /// Only these; empty: all.
    package var types: Set<EventType> = []
    /// Only from these sources; empty: all.
    package var sources: [String] = []
    /// Each line an object with `sequence` and `event`, instead of the event alone.
    package var withSequence = false

    package init(received: Range<Int64>) { self.received = received }
}

/// What an export did.
package struct ExportReport: Sendable, Equatable, Encodable {
    package var events = 0
    package var bytes = 0
    package var blocks = 0
    /// Parts of the range that could not be read.
    package var unreadable: [String] = []
    /// Beyond those listed.
    package var unreadableOmitted = 0
    /// Ended by the user before everything was written.
    package var interrupted = false
    /// Ended by whoever reads the output, who has enough.
    package var closed = false

    package static let listedMax = 100

    /// Whether all of the range was there to be read.
    package var isComplete: Bool { unreadable.isEmpty }
}

/// Writes events of a log to standard output, as they are stored, in the order of the log.
///
/// A block whose events are all wanted is written whole; otherwise only the head of each line is read.
package struct Export: ~Copyable {
    private let options: ExportOptions
    private let sources: [[UInt8]]
    private var report = ExportReport()
    private var output: StandardOutput

    package init(_ options: ExportOptions, output: consuming StandardOutput = StandardOutput()) {
        self.options = options
        sources = options.sources.map { Array($0.utf8) }
        self.output = output
    }

    /// What to read: the segments named, else the data folder.
    package static func open(files: [String], folder: () throws -> String) throws -> [LogFolderReader] {
        guard !files.isEmpty else { return [try LogFolderReader(folder: try folder())] }
        return try files.map { (path) throws(LogError) in try LogFolderReader(file: path) }
    }

    /// - Parameters:
    ///   - onUnreadable: told at once about what is passed over.
    ///   - isWanted: asked before each block.
    /// - Throws: `LogError`, or what keeps standard output from being written.
    package mutating func run(
        _ readers: [LogFolderReader], onUnreadable: @escaping (UnreadablePart) -> Void = { _ in },
        isWanted: () -> Bool = { true }
    ) throws -> ExportReport {
        let damage = DamageList()
        do {
            for reader in readers where !report.interrupted {
                reader.onUnreadable = { part in
                    damage.add(part)
                    onUnreadable(part)
                }
                try export(reader, isWanted)
            }
            try output.flush()
        } catch StandardOutput.Failure.closed {
            report.closed = true
        }
        report.unreadable = damage.listed
        report.unreadableOmitted = damage.omitted
        return report
    }

    private mutating func export(_ reader: LogFolderReader, _ isWanted: () -> Bool) throws {
        try reader.forEachBlock(received: options.received) { stored in
            guard isWanted() else {
                report.interrupted = true
                return false
            }
            guard let block = reader.decode(stored) else { return true }
            try write(stored, block)
            return true
        }
    }

    /// What could not be read, a bounded part of it in words.
    private final class DamageList {
        private(set) var listed: [String] = []
        private(set) var omitted = 0

        func add(_ part: UnreadablePart) {
            if listed.count < ExportReport.listedMax {
                listed.append(part.description)
            } else {
                omitted += 1
            }
        }
    }

    private mutating func write(_ stored: StoredBlock, _ block: EventBlock) throws {
        report.blocks += 1
        let isWithin =
            options.received.contains(stored.firstReceivedMilliseconds)
            && options.received.contains(stored.lastReceivedMilliseconds)
        if isWithin, options.types.isEmpty, sources.isEmpty, !options.withSequence {
            report.events += block.eventCount
            report.bytes += block.payload.count
            return try block.payload.withBytes { (bytes) throws(StandardOutput.Failure) in
                try output.append(bytes)
            }
        }
        for index in 0..<block.eventCount {
            try block.withEvent(index) { (line) throws(StandardOutput.Failure) in
                guard wants(line, isWithin: isWithin) else { return }
                report.events += 1
                report.bytes += line.count + 1
                if options.withSequence {
                    try output.append("{\"sequence\":\"\(block.number).\(index)\",\"event\":")
                    try output.append(line)
                    try output.append("}\n")
                } else {
                    try output.append(line)
                    try output.append("\n")
                }
            }
        }
    }

    private func wants(_ line: Bytes, isWithin: Bool) -> Bool {
        guard !isWithin || !options.types.isEmpty || !sources.isEmpty else { return true }
        guard let summary = EventSummary(line) else { return options.types.isEmpty && sources.isEmpty }
        if !options.types.isEmpty, !options.types.contains(summary.type) { return false }
        if !sources.isEmpty, !sources.contains(where: { $0.withBytes { summary.source.equals($0) } }) {
            return false
        }
        // A line that does not say when counts with its block.
        return isWithin || summary.receivedMilliseconds.map(options.received.contains) ?? true
    }
}
