import SluiceCore
import SluiceDelivery

/// Which events a tail shows.
struct TailFilter {
    private let source: [UInt8]?
    private let type: EventType?

    init(_ query: TailQuery) {
        source = query.source.map { Array($0.utf8) }
        type = query.type
    }

    func wants(_ line: Bytes) -> Bool {
        guard source != nil || type != nil else { return true }
        guard let summary = EventSummary(line) else { return false }
        if let type, summary.type != type { return false }
        return source?.withBytes { summary.source.equals($0) } ?? true
    }
}
