import Foundation
import Glibc

/// What a demo shows while it runs.
package struct DemoFigures: Equatable, Sendable {
    package var phase: String
    package var seconds: Double
    package var received: Int64
    package var committed: Int64
    /// Name, delivered, lag in seconds.
    package var destinations: [DestinationFigures]
    package var p50Microseconds: UInt64
    package var p99Microseconds: UInt64

    package init(
        phase: String, seconds: Double, received: Int64, committed: Int64, destinations:
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

    /// One line for people.
    package var line: String {
        var parts = [
            "\(phase) \(Readable.oneDecimal(seconds)) s", "received \(Readable.count(received))",
            "committed \(Readable.count(committed))",
        ]
        for one in destinations {
            parts.append(
                "\(one.name) \(Readable.count(one.delivered)) lag \(Readable.oneDecimal(one.lagSeconds)) s")
        }
        parts.append(
            "p50 \(Readable.duration(microseconds: p50Microseconds)) "
                + "p99 \(Readable.duration(microseconds: p99Microseconds))")
        return parts.joined(separator: " | ")
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
            let width = Self.terminalWidth
            Self.write("\r\u{1B}[2K" + figures.line.prefix(max(width - 1, 20)))
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
