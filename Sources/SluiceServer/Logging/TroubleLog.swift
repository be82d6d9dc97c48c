import Logging
import Synchronization

/// Logs what goes wrong again and again without filling the disk: of each kind the first line at once,
/// then at most one per interval, which says how many were left out in between.
///
/// Kinds are made once, at start, and kept by those who report them. Reporting is safe from any thread
/// and takes no lock; a report that is left out allocates nothing.
package final class TroubleLog: Sendable {
    package static let intervalMilliseconds: Int64 = 10_000

    private let logger: Logger
    private let now: @Sendable () -> Int64
    private let kinds = Mutex<[TroubleKind]>([])  // start and flush only

    /// - Parameter now: milliseconds on a clock that never goes back.
    package init(logger: Logger, now: @escaping @Sendable () -> Int64 = WallTime.monotonicMilliseconds) {
        self.logger = logger
        self.now = now
    }

    /// A new kind of trouble, logged under this stable label.
    ///
    /// - Parameter metadata: of each of its lines, those that only count included.
    package func kind(
        _ label: String, level: Logger.Level = .warning, metadata: Logger.Metadata = [:]
    ) -> TroubleKind {
        let kind = TroubleKind(label: label, level: level, metadata: metadata, logger: logger, now: now)
        kinds.withLock { $0.append(kind) }
        return kind
    }

    /// Logs how many reports were left out and not yet told of, where the interval is over. To be
    /// called now and then, and with `all` at the end.
    package func flush(all: Bool = false) {
        for kind in kinds.withLock({ $0 }) { kind.flush(all: all) }
    }
}

/// One kind of trouble.
///
/// Invariant: whoever moves `nextMilliseconds` from the value it read writes the line; all others count.
package final class TroubleKind: Sendable {
    package let label: String
    private let level: Logger.Level
    private let metadata: Logger.Metadata
    private let logger: Logger
    private let now: @Sendable () -> Int64
    private let nextMilliseconds = Atomic<Int64>(.min)
    private let suppressed = Atomic<Int>(0)
    private let total = Atomic<Int>(0)

    fileprivate init(
        label: String, level: Logger.Level, metadata: Logger.Metadata, logger: Logger,
        now: @escaping @Sendable () -> Int64
    ) {
        self.label = label
        self.level = level
        var own = metadata
        own["trouble"] = "\(label)"
        self.metadata = own
        self.logger = logger
        self.now = now
    }

    /// Reports so far, written or not.
    package var count: Int { total.load(ordering: .relaxed) }

    /// Logs the line, or counts it where one of its kind was logged less than an interval ago.
    package func report(
        _ message: @autoclosure () -> String, metadata: @autoclosure () -> Logger.Metadata = [:]
    ) {
        total.add(1, ordering: .relaxed)
        guard claim() else {
            suppressed.add(1, ordering: .relaxed)
            return
        }
        var all = self.metadata.merging(metadata()) { _, new in new }
        let leftOut = suppressed.exchange(0, ordering: .relaxed)
        if leftOut > 0 { all["suppressed"] = .stringConvertible(leftOut) }
        logger.log(level: level, "\(message())", metadata: all)
    }

    fileprivate func flush(all: Bool) {
        guard suppressed.load(ordering: .relaxed) > 0, all || claim() else { return }
        let leftOut = suppressed.exchange(0, ordering: .relaxed)
        guard leftOut > 0 else { return }
        var all = metadata
        all["suppressed"] = .stringConvertible(leftOut)
        logger.log(level: level, "more of the same", metadata: all)
    }

    /// Whether a line may be written now; if so, the next may be an interval later.
    private func claim() -> Bool {
        let time = now()
        let next = nextMilliseconds.load(ordering: .relaxed)
        guard time >= next else { return false }
        return nextMilliseconds.compareExchange(
            expected: next, desired: time + TroubleLog.intervalMilliseconds, ordering: .relaxed
        ).exchanged
    }
}
