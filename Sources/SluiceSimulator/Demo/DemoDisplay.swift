import Foundation
import Glibc

/// What a demo shows while it runs.
package struct DemoFigures: Equatable, Sendable {
    package var phase: String
    package var seconds: Double
    package var received: Int64
    package var committed: Int64
    package var destinations: [DestinationFigures]
    package var p50Microseconds: UInt64
    package var p99Microseconds: UInt64

    package init(
        phase: String, seconds: Double, received: Int64, committed: Int64,
        destinations:
            [DestinationFigures], p50Microseconds: UInt64, p99Microseconds: UInt64
    ) {
        self.phase = phase
        self.seconds = seconds
        self.received = received
        self.committed = committed
        self.destinations = destinations
        self.p50Microseconds = p50Microseconds
        self.p99Microseconds = p99Microseconds
    }

    /// How long the destination that is furthest behind has left an event waiting.
    package var lagSeconds: Double { destinations.map(\.lagSeconds).max() ?? 0 }

    /// One line for people, in full words.
    package var line: String {
        let delivered = destinations.map { "\($0.name) \(Readable.count($0.delivered))" }
        return [
            "\(phase) \(Readable.oneDecimal(seconds)) s", "received \(Readable.count(received))",
            "committed \(Readable.count(committed))",
            "delivered " + delivered.joined(separator: ", "), "lag \(Readable.oneDecimal(lagSeconds)) s",
            "p50 \(Readable.duration(microseconds: p50Microseconds)) "
                + "p99 \(Readable.duration(microseconds: p99Microseconds))",
        ].joined(separator: " | ")
    }

    /// One line of at most `columns` characters: the full one where it fits, else a short one, cut.
    package func line(columns: Int) -> String {
        if line.count <= columns { return line }
        let delivered = destinations.map { "\($0.name) \(Readable.short($0.delivered))" }
        let short =
            [
                "\(Int(seconds)) s", "in \(Readable.short(received))", "log \(Readable.short(committed))",
            ] + delivered + [
                "lag \(Readable.oneDecimal(lagSeconds))s",
                "p50 \(Readable.duration(microseconds: p50Microseconds, separator: ""))",
                "p99 \(Readable.duration(microseconds: p99Microseconds, separator: ""))",
            ]
        return String(short.joined(separator: " ").prefix(columns))
    }
}

/// Shows figures: on a terminal one line that is written over, elsewhere a plain line now and then.
///
/// Owner: one thread. Invariant: `isLineOpen` is true exactly when the terminal's cursor stands
/// behind a figure line that `print` must end first.
package struct DemoDisplay: ~Copyable {
    private let isTerminal: Bool
    private let isSilent: Bool
    private var isLineOpen = false
    private var lastLineSeconds = -Double.infinity
    private var lastPhase = ""

    static let secondsBetweenLines = 5.0

    /// - Parameter isSilent: shows no figures at all.
    package init(isSilent: Bool) {
        isTerminal = isatty(STDOUT_FILENO) == 1
        self.isSilent = isSilent
    }

    /// How often to call `show`.
    package var tickMilliseconds: Int { isTerminal ? 200 : 500 }

    package mutating func show(_ figures: DemoFigures) {
        if isSilent { return }
        if isTerminal {
            // One column less: some terminals wrap when the last one is filled.
            Self.write("\r\u{1B}[2K" + figures.line(columns: max(Self.terminalWidth - 1, 20)))
            isLineOpen = true
        } else if figures.phase != lastPhase
            || figures.seconds - lastLineSeconds >= Self.secondsBetweenLines
        {
            Self.write(figures.line + "\n")
            lastLineSeconds = figures.seconds
            lastPhase = figures.phase
        }
    }

    /// Prints lines that stay.
    package mutating func print(_ lines: [String]) {
        Self.write((isLineOpen ? "\n" : "") + lines.map { $0 + "\n" }.joined())
        isLineOpen = false
    }

    private static func write(_ text: String) {
        try? FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    }

    private static var terminalWidth: Int {
        var size = winsize()
        // Safety: TIOCGWINSZ writes one winsize, ioctl_tty(2).
        let result = unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size)
        return result == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }
}
