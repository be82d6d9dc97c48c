import SluiceLog

/// `sluice fsck`: runs the check and says what it finds, for people as it goes along, or as one JSON
/// document at the end.
package final class FsckRun {
    /// Findings kept for the JSON document; the others are counted.
    package static let findingsMax = 1000
    /// The check could not be made, as in fsck(8).
    package static let exitOperationalError: Int32 = 8

    package struct Document: Encodable, Sendable {
        package var summary: CheckSummary
        package var findings: [CheckFinding]
        package var findingsOmitted: Int
        package var exitCode: Int32
    }

    private let folder: String
    private let repairs: Bool
    private let json: Bool
    private let output: (String) -> Void
    private let progress: ((String) -> Void)?
    private var findings: [CheckFinding] = []
    private var omitted = 0
    private var hasProgressLine = false

    /// - Parameters:
    ///   - output: takes lines for standard output, with their ends.
    ///   - progress: takes what a terminal shows while it lasts; nil where there is none.
    package init(
        folder: String, repairs: Bool, json: Bool, output: @escaping (String) -> Void,
        progress: ((String) -> Void)?
    ) {
        self.folder = folder
        self.repairs = repairs
        self.json = json
        self.output = output
        self.progress = progress
    }

    /// The command's exit code; the reason when the check could not be made.
    package func run() throws(LogError) -> Int32 {
        let checker = LogChecker(
            folder: folder, repairs: repairs, writtenBy: "sluice " + BuildInformation.version,
            onFinding: { self.take($0) }, onProgress: { self.show($0) })
        let summary = try checker.run()
        clearProgress()
        let code = summary.exitCode(repairs: repairs)
        if json {
            let document = Document(
                summary: summary, findings: findings, findingsOmitted: omitted, exitCode: code)
            output(AdminJSON.encode(document, pretty: true) + "\n")
        } else {
            output(FsckRun.text(summary, repairs: repairs))
        }
        return code
    }

    private func take(_ finding: CheckFinding) {
        if json {
            if findings.count < FsckRun.findingsMax { findings.append(finding) } else { omitted += 1 }
            return
        }
        clearProgress()
        output(FsckRun.text(finding) + "\n")
    }

    private func show(_ state: CheckProgress) {
        guard let progress else { return }
        hasProgressLine = true
        progress(
            "\r\u{1B}[Kchecked \(state.segments) of \(state.segmentsTotal) segments, \(state.blocks) blocks,"
                + " \(state.events) events")
    }

    private func clearProgress() {
        guard hasProgressLine else { return }
        hasProgressLine = false
        progress?("\r\u{1B}[K")
    }

    // MARK: Texts

    package static func text(_ finding: CheckFinding) -> String {
        var text = finding.severity == .problem ? "PROBLEM " : "note    "
        text += finding.kind.rawValue
        if let file = finding.file { text += " \(file)" }
        if let first = finding.firstBlock, let last = finding.lastBlock {
            text += first == last ? ", block \(first)" : ", blocks \(first) to \(last)"
        }
        if let events = finding.events { text += ", \(events) events" }
        text += ": \(LogLine.printable(finding.message))"
        if let repair = finding.repair { text += "\n        repaired: \(LogLine.printable(repair))" }
        return text
    }

    package static func text(_ summary: CheckSummary, repairs: Bool) -> String {
        let seen = summary.progress
        var text =
            "\(summary.folder): \(seen.segments) segments, \(seen.blocks) sound blocks with \(seen.events) events;"
            + " the log ends before block \(summary.nextBlock), after \(summary.logEvents) events\n"
        if summary.besideGateway {
            text += "a gateway is running on it: only what is committed was looked at\n"
        }
        switch summary.problems {
        case 0: text += "clean"
        case let count where repairs:
            text += "\(count) problems, \(summary.repaired) of them repaired"
        case let count:
            text += "\(count) problems; sluice fsck --repair sets damaged files aside and keeps what is sound"
        }
        return text + (summary.notes > 0 ? ", \(summary.notes) notes\n" : "\n")
    }
}
