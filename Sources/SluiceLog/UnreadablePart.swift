/// Something a reader of the log had to pass over. What retention removed is not among it.
package enum UnreadablePart: Error, Equatable, Sendable, CustomStringConvertible {
    /// A segment file of which nothing more can be read.
    case segment(path: String, reason: LogError)
    /// Blocks within a segment; `events` is what their rows say, nil where that cannot be read either.
    case blocks(path: String, numbers: Range<Int64>, events: Int?, reason: String)
    /// Blocks that are in no file.
    case gap(Range<Int64>)

    package var description: String {
        switch self {
        case .segment(let path, let reason):
            "cannot read the segment \(path): \(reason)"
        case .blocks(let path, let numbers, let events, let reason):
            "cannot read \(UnreadablePart.text(numbers)) of \(path)"
                + (events.map { " (events: \($0))" } ?? "") + ": \(reason)"
        case .gap(let numbers):
            "\(UnreadablePart.text(numbers)) of the log: in no segment"
        }
    }

    /// For metrics and JSON: stable, without values.
    package var label: String {
        switch self {
        case .segment: "segment"
        case .blocks: "blocks"
        case .gap: "gap"
        }
    }

    private static func text(_ numbers: Range<Int64>) -> String {
        numbers.count == 1
            ? "block \(numbers.lowerBound)" : "blocks \(numbers.lowerBound) to \(numbers.upperBound - 1)"
    }
}
