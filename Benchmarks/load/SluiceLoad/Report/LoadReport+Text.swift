import Foundation

extension LoadReport {
    /// For a terminal; ends with a line feed.
    package var text: String {
        var lines: [String] = []
        lines.append("\(url)  \(platform), \(eventsPerRequest) event\(eventsPerRequest == 1 ? "" : "s") a request")
        let asked = rate.map { ", \(TextFigures.rate($0)) requests/s asked for" } ?? ""
        let form = loop == "closed" ? "closed loop" : "open loop, \(loop)"
        lines.append(
            "\(form)\(asked), \(connections) connections"
                + (pipeline > 1 ? ", \(pipeline) requests at once on each" : "")
                + ", \(TextFigures.seconds(seconds))\(interrupted ? ", interrupted" : "")")
        lines.append("")
        lines += figures
        lines.append("")
        lines += latencies
        if let steps { lines += [""] + table(steps) }
        if let knee { lines += ["", sentence(knee)] }
        if let verification { lines += ["", sentence(verification)] }
        lines += warnings.map { "warning: \($0)" }
        return lines.joined(separator: "\n") + "\n"
    }

    private var figures: [String] {
        let statusText = statuses.sorted { $0.key < $1.key }.map { "\($0.key): \(TextFigures.count($0.value))" }
        let errorText = errorsByKind.sorted { $0.key < $1.key }.map { "\($0.key): \(TextFigures.count($0.value))" }
        var lines = [
            row("requests", TextFigures.count(requests), "\(TextFigures.rate(requestsPerSecond))/s"),
            row("events", TextFigures.count(events), "\(TextFigures.rate(eventsPerSecond))/s"),
            row("statuses", statusText.isEmpty ? "none" : statusText.joined(separator: ", ")),
            row("errors", TextFigures.count(errors), errorText.joined(separator: ", ")),
        ]
        if unsent > 0 { lines.append(row("never sent", TextFigures.count(unsent), "nothing was free to send them on")) }
        lines.append(
            row(
                "generator",
                String(
                    format: "%.1f us CPU a request (user %.1f, system %.1f), %.0f %% busy",
                    generator.userMicrosecondsPerRequest + generator.systemMicrosecondsPerRequest,
                    generator.userMicrosecondsPerRequest, generator.systemMicrosecondsPerRequest, generator.busy * 100))
        )
        return lines
    }

    private func row(_ name: String, _ value: String, _ more: String = "") -> String {
        let left = name.padding(toLength: 12, withPad: " ", startingAt: 0) + value
        return more.isEmpty ? left : left + "   " + more
    }

    private var latencies: [String] {
        let columns: [(String, (Percentiles) -> Double)] = [
            ("p50", { $0.p50 }), ("p90", { $0.p90 }), ("p99", { $0.p99 }), ("p99.9", { $0.p999 }),
            ("p99.99", { $0.p9999 }), ("max", { $0.max }), ("mean", { $0.mean }),
        ]
        func line(_ name: String, _ cells: [String]) -> String {
            name.padding(toLength: 12, withPad: " ", startingAt: 0) + cells.map { pad($0, 10) }.joined()
        }
        return [
            line("latency", columns.map(\.0)),
            line("corrected", columns.map { TextFigures.milliseconds($0.1(latency)) }),
            line("as seen", columns.map { TextFigures.milliseconds($0.1(uncorrected)) }),
        ]
    }

    private func pad(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(1, width - text.count)) + text
    }

    private func table(_ steps: [Step]) -> [String] {
        let head = pad("asked", 12) + pad("achieved", 12) + pad("p50", 10) + pad("p99", 10) + pad("errors", 9)
        return [head]
            + steps.map { step in
                pad(TextFigures.rate(step.rate), 12) + pad(TextFigures.rate(step.achieved), 12)
                    + pad(TextFigures.milliseconds(step.p50), 10) + pad(TextFigures.milliseconds(step.p99), 10)
                    + pad(TextFigures.count(step.errors), 9) + (step.failed.map { "  failed: \($0)" } ?? "")
            }
    }

    /// What the knee is, in words.
    func sentence(_ knee: Knee) -> String {
        guard let rate = knee.requestsPerSecond else {
            return "knee: no rate held; \(TextFigures.rate(knee.failedAt ?? 0))/s failed: \(knee.reason ?? "")"
        }
        guard let failedAt = knee.failedAt else {
            return "knee: not found; the highest rate tried, \(TextFigures.rate(rate)) requests/s, held"
        }
        return "knee: \(TextFigures.rate(rate)) requests/s; at \(TextFigures.rate(failedAt))/s \(knee.reason ?? "")"
    }

    func sentence(_ verification: LogVerification) -> String {
        let count = TextFigures.count
        guard verification.acknowledged > 0 else { return "log: NOT GOOD: nothing was acknowledged" }
        guard verification.isGood else {
            return "log: NOT GOOD: of \(count(verification.acknowledged)) acknowledged events "
                + "\(count(verification.missing)) are missing, \(count(verification.twice)) are there twice, "
                + "\(count(verification.unreadable)) parts cannot be read; \(verification.samples.joined(separator: " "))"
        }
        let more =
            verification.unacknowledged > 0
            ? "; \(count(verification.unacknowledged)) more whose answer did not come" : ""
        return "log: every one of \(count(verification.acknowledged)) acknowledged events is there, once\(more)"
    }

    /// What makes the figures mean less than they seem to.
    var warnings: [String] {
        var warnings: [String] = []
        if generator.busy > 0.9, loop != "closed" {
            warnings.append(
                "the generator used nearly all of its CPU: some of the latency is its own; give it --threads")
        }
        if unsent > 0, steps == nil {
            warnings.append("the rate was not kept: \(TextFigures.count(unsent)) requests were never sent")
        }
        let noise = loop == Arrival.poisson.rawValue ? KneeSearch.noise(rate: rate ?? 0, seconds: seconds) : 0
        if let rate, steps == nil, requestsPerSecond < KneeSearch.achievedLeast * rate - noise, !interrupted {
            warnings.append(
                "only \(TextFigures.rate(requestsPerSecond)) of \(TextFigures.rate(rate)) requests/s were achieved")
        }
        return warnings
    }
}
