import Glibc
import Logging

/// Takes finished log lines. Safe from any thread.
package protocol LogSink: Sendable {
    func write(_ line: String)
}

/// Standard error. Each line goes out in one `write`, so that lines of different threads do not mix;
/// what a full pipe does not take is dropped, because logging must never hold the gateway up for long.
package struct StandardErrorSink: LogSink {
    /// How long one line waits for a reader that does not keep up.
    private static let patienceMilliseconds: CInt = 50

    package init() {}

    package func write(_ line: String) {
        var bytes = Array(line.utf8)
        bytes.append(0x0A)
        var written = 0
        while written < bytes.count {
            // The descriptor is shared with whoever started us, so it cannot be made non-blocking. A pipe
            // that is ready to be written takes PIPE_BUF bytes without blocking, pipe(7).
            var ready = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
            // Safety: one entry, ours.
            guard unsafe poll(&ready, 1, StandardErrorSink.patienceMilliseconds) != 0 else { return }
            let size = min(bytes.count - written, Int(PIPE_BUF))
            // Safety: the pointer stays inside `bytes`, which is lent for the call; written + size is at
            // most its count.
            let count = unsafe bytes.withUnsafeBytes { memory in
                unsafe Glibc.write(STDERR_FILENO, memory.baseAddress! + written, size)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            written += count
        }
    }
}

/// Writes swift-log's events as lines of text or JSON.
package struct SluiceLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    private let label: String
    private let format: LogFormat
    private let sink: any LogSink
    private let now: @Sendable () -> Int64

    /// - Parameter now: milliseconds since 1970.
    package init(
        label: String, level: Logger.Level, format: LogFormat, sink: any LogSink = StandardErrorSink(),
        now: @escaping @Sendable () -> Int64 = WallTime.nowMilliseconds
    ) {
        self.label = label
        self.logLevel = level
        self.format = format
        self.sink = sink
        self.now = now
    }

    package subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var all = metadata
        if let metadataProvider { all.merge(metadataProvider.get()) { $1 } }
        if let own = event.metadata { all.merge(own) { $1 } }
        if let error = event.error { all["error"] = "\(error)" }
        sink.write(
            LogLine.make(
                format: format, milliseconds: now(), level: event.level, label: label,
                message: event.message.description, metadata: all))
    }
}

extension Logger {
    /// A logger of the gateway, without the process-wide logging system, so that tests can have their own.
    package static func sluice(
        _ label: String, level: Logger.Level, format: LogFormat, sink: any LogSink = StandardErrorSink()
    ) -> Logger {
        Logger(label: label) { SluiceLogHandler(label: $0, level: level, format: format, sink: sink) }
    }
}
