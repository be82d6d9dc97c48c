import SluiceCore

/// What one shard counts. The shard thread writes, any thread reads.
package final class EdgeMetrics: MetricsSource {
    /// Statuses with a counter of their own; all others are counted as `other`.
    package static let statuses = [
        200, 202, 204, 400, 401, 403, 404, 405, 408, 413, 415, 417, 422, 429, 431, 500, 501, 503, 505,
    ]
    private static let platforms = Platform.allCases.count + 1
    private static let types = EventType.allCases.count
    private static let slots = statuses.count + 1

    private let requests = CounterArray(count: platforms * slots)
    private let events = CounterArray(count: platforms * types)
    private let duplicates = CounterArray(count: platforms)
    private let rejected = CounterArray(count: platforms)
    private let perSource: CounterArray
    private let sourceNames: [String]
    /// From a request's last byte to the moment its answer may go.
    package let acknowledge = DurationHistogram()

    /// - Parameter sourceNames: in the order in which sources are numbered.
    package init(sourceNames: [String]) {
        self.sourceNames = sourceNames
        perSource = CounterArray(count: max(1, sourceNames.count * SourceCount.allCases.count))
    }

    /// What is counted for each source.
    package enum SourceCount: Int, CaseIterable, Sendable {
        case accepted, duplicates, rejected
    }

    /// Shard thread only. `platform` is nil where none was found.
    package func countRequest(platform: Platform?, status: Int) {
        let slot = EdgeMetrics.statuses.firstIndex(of: status) ?? EdgeMetrics.statuses.count
        requests.add(at: EdgeMetrics.index(platform) * EdgeMetrics.slots + slot)
    }

    /// Shard thread only. What came of the events of one request.
    package func countEvents(
        platform: Platform, source: Int, result: DecodeResult, duplicates duplicateCount: Int
    ) {
        let place = EdgeMetrics.index(platform)
        let byType = result.byType
        let base = place * EdgeMetrics.types
        if byType.0 > 0 { events.add(Int(byType.0), at: base) }
        if byType.1 > 0 { events.add(Int(byType.1), at: base + 1) }
        if byType.2 > 0 { events.add(Int(byType.2), at: base + 2) }
        if byType.3 > 0 { events.add(Int(byType.3), at: base + 3) }
        if byType.4 > 0 { events.add(Int(byType.4), at: base + 4) }
        if duplicateCount > 0 { duplicates.add(duplicateCount, at: place) }
        if result.rejected > 0 { rejected.add(result.rejected, at: place) }
        guard sourceNames.indices.contains(source) else { return }
        let own = source * SourceCount.allCases.count
        perSource.add(result.accepted, at: own + SourceCount.accepted.rawValue)
        perSource.add(duplicateCount, at: own + SourceCount.duplicates.rawValue)
        perSource.add(result.rejected, at: own + SourceCount.rejected.rawValue)
    }

    package func count(_ kind: SourceCount, source: Int) -> Int {
        guard sourceNames.indices.contains(source) else { return 0 }
        return perSource[source * SourceCount.allCases.count + kind.rawValue]
    }

    private static func index(_ platform: Platform?) -> Int {
        platform.map { Int($0.rawValue) } ?? platforms - 1
    }

    package func collect(into writer: inout MetricsWriter) {
        let names = Platform.allCases.map { "\($0.name)" } + ["none"]
        for (place, platform) in names.enumerated() {
            for slot in 0..<EdgeMetrics.slots {
                let value = requests[place * EdgeMetrics.slots + slot]
                guard value > 0 else { continue }
                let status = slot < EdgeMetrics.statuses.count ? "\(EdgeMetrics.statuses[slot])" : "other"
                writer.counter(
                    "sluice_requests_total", "Requests answered, by platform and HTTP status.",
                    labels: [("platform", platform), ("status", status)], value)
            }
            for type in EventType.allCases {
                let value = events[place * EdgeMetrics.types + Int(type.rawValue)]
                guard value > 0 else { continue }
                writer.counter(
                    "sluice_events_accepted_total", "Events taken into a block, by platform and type.",
                    labels: [("platform", platform), ("type", "\(type.name)")], value)
            }
            if duplicates[place] > 0 {
                writer.counter(
                    "sluice_events_duplicate_total", "Events that were known already, by platform.",
                    labels: [("platform", platform)], duplicates[place])
            }
            if rejected[place] > 0 {
                writer.counter(
                    "sluice_events_rejected_total", "Events refused at the edge, by platform.",
                    labels: [("platform", platform)], rejected[place])
            }
        }
        for (index, name) in sourceNames.enumerated() {
            for kind in SourceCount.allCases {
                writer.counter(
                    "sluice_source_events_total", "Events by source and what became of them at the edge.",
                    labels: [("source", name), ("result", "\(kind)")], count(kind, source: index))
            }
        }
        writer.histogram(
            "sluice_acknowledge_seconds", "From a request's last byte to its answer.", acknowledge.snapshot)
    }
}
