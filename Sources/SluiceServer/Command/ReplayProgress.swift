/// How far a replay is, as a bar on a terminal and as lines elsewhere.
///
/// Owner: one thread.
package struct ReplayProgress {
    /// Between two lines where there is no terminal.
    private static let lineMilliseconds: Int64 = 2000
    private static let barWidth: Int64 = 24

    private let isTerminal: Bool
    private var first: (time: Int64, settled: Int64)?
    private var lastTime: Int64?
    private var lastText = ""

    package init(isTerminal: Bool) { self.isTerminal = isTerminal }

    /// What to print now; nil when there is nothing new to be said.
    ///
    /// - Parameters:
    ///   - now: monotonic milliseconds.
    ///   - isLast: whether nothing follows.
    package mutating func text(_ replay: ReplayDocument, now: Int64, isLast: Bool) -> String? {
        if first == nil { first = (now, replay.settled) }
        let line = "replay \(replay.id) \(replay.phase): " + ReplayText.progress(replay)
        if isTerminal {
            let text = bar(replay) + line + pace(replay, now)
            guard text != lastText || isLast else { return nil }
            lastText = text
            // Back to the line's start, and away with what is longer of the last one.
            return "\r" + text + "\u{1B}[K" + (isLast ? "\n" : "")
        }
        guard isLast || line != lastText, isLast || now - (lastTime ?? Int64.min / 2) >= ReplayProgress.lineMilliseconds
        else { return nil }
        lastText = line
        lastTime = now
        return line + (isLast ? "" : pace(replay, now)) + "\n"
    }

    private func bar(_ replay: ReplayDocument) -> String {
        let whole = max(1, replay.settled + replay.pending)
        let done = Int(ReplayProgress.barWidth * replay.settled / whole)
        return "[" + String(repeating: "#", count: done)
            + String(repeating: ".", count: Int(ReplayProgress.barWidth) - done)
            + "] \(replay.settled * 100 / whole)%  "
    }

    private func pace(_ replay: ReplayDocument, _ now: Int64) -> String {
        guard let first, now - first.time >= 1000, replay.settled > first.settled, replay.pending > 0 else {
            return ""
        }
        let perSecond = Double(replay.settled - first.settled) * 1000 / Double(now - first.time)
        let left = StatusText.duration((Double(replay.pending) / perSecond).rounded(.up))
        return ", \((perSecond * 10).rounded() / 10)/s, \(left) left"
    }
}
