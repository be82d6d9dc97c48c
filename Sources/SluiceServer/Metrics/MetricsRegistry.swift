import Synchronization

/// Something with numbers to show. Called by the admin thread while others count.
package protocol MetricsSource: Sendable {
    func collect(into writer: inout MetricsWriter)
}

/// Everything that is asked when `/metrics` is read, in the order of registration.
package final class MetricsRegistry: Sendable {
    private let sources = Mutex<[any MetricsSource]>([])  // start and admin thread

    package init() {}

    package func register(_ source: any MetricsSource) { sources.withLock { $0.append(source) } }

    /// The exposition as it is served.
    package func text() -> String {
        var writer = MetricsWriter()
        for source in sources.withLock({ $0 }) { source.collect(into: &writer) }
        return writer.text()
    }
}
