import Glibc
import SluiceLoad

/// What is going on, on standard error: one line that is rewritten on a terminal, else a line for each second.
final class ProgressLine {
    private let isQuiet: Bool
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var hasLine = false

    init(isQuiet: Bool) { self.isQuiet = isQuiet }

    func show(_ progress: LoadProgress) {
        guard !isQuiet else { return }
        // Back to the first column; behind the text, clear to the end of the line.
        SluiceLoadCommand.printError(isTerminal ? "\r\(progress.text)\u{1B}[K" : progress.text + "\n")
        hasLine = isTerminal
    }

    /// Leaves the line behind.
    func end() {
        if hasLine { SluiceLoadCommand.printError("\n") }
        hasLine = false
    }
}
