import Glibc

/// What `sluice check` says of a configuration.
package struct CheckReport: Encodable, Sendable {
    package struct Problem: Encodable, Sendable, Equatable {
        package var file: String?
        package var line: Int
        package var column: Int
        package var key: String
        package var message: String

        init(_ problem: ConfigurationProblem) {
            file = problem.file
            line = problem.line
            column = problem.column
            key = problem.key
            message = problem.message
        }
    }

    package struct Source: Encodable, Sendable {
        package var name: String
        package var keys: Int
        package var accounts: [String]
        package var open: Bool
        package var acknowledge: String
    }

    package struct Destination: Encodable, Sendable {
        package var name: String
        package var platform: String
        package var url: String
        package var batch: Int
        package var concurrency: Int
        package var rate: String?
    }

    package struct Limit: Encodable, Sendable {
        package var name: String
        package var value: String
        package var `default`: String?
    }

    package struct Holder: Encodable, Sendable {
        package var holder: String
        package var reckoning: String
        package var bytes: Int
    }

    package struct Summary: Encodable, Sendable {
        package var listen: [String]
        package var admin: String
        package var data: String
        package var shards: Int
        package var sources: [Source]
        package var destinations: [Destination]
        package var limits: [Limit]
        package var memory: [Holder]
        package var memoryBytes: Int
        package var physicalMemoryBytes: Int
        package var fileDescriptors: Int
        package var fileDescriptorsMax: Int
    }

    package var ok: Bool
    package var file: String?
    package var problems: [Problem]
    package var warnings: [Problem]
    package var summary: Summary?
    private var problemLines: [String]
    private var warningLines: [String]

    private enum CodingKeys: String, CodingKey { case ok, file, problems, warnings, summary }

    package init(_ error: ConfigurationError) {
        ok = false
        file = error.problems.first?.file
        problems = error.problems.map(Problem.init)
        warnings = []
        problemLines = error.problems.map(\.description)
        warningLines = []
    }

    /// - Parameters:
    ///   - cores: what `workers: 0` stands for.
    ///   - physicalMemoryBytes: of the machine; 0 when it is not known.
    ///   - descriptorsMax: most file descriptors the process may open.
    package init(
        _ configuration: Configuration, cores: Int = ConfigurationOptions.onlineCores,
        physicalMemoryBytes: Int = CheckReport.physicalMemory,
        descriptorsMax: Int = DescriptorLimit.current.hard
    ) {
        let shards = configuration.shards(cores: cores)
        let budget = MemoryBudget(
            limits: configuration.limits, shards: shards, destinations: configuration.destinations,
            deduplicate: configuration.deduplicate)
        let descriptors = configuration.limits.fileDescriptors(
            shards: shards, destinations: configuration.destinations)
        var warned = configuration.warnings
        if physicalMemoryBytes > 0, budget.totalBytes > physicalMemoryBytes {
            warned.append(
                ConfigurationProblem(
                    file: configuration.file, key: "limits",
                    message:
                        "the memory budget (\(ByteSize.rounded(budget.totalBytes))) is larger than this machine's memory (\(ByteSize.rounded(physicalMemoryBytes)))"
                ))
        }
        if configuration.limits.namesConnections, descriptors > descriptorsMax {
            warned.append(
                ConfigurationProblem(
                    file: configuration.file, key: "limits.connections",
                    message:
                        "may need \(descriptors) file descriptors, and the process may open only \(descriptorsMax)"
                ))
        }
        ok = true
        file = configuration.file
        problems = []
        warnings = warned.map(Problem.init)
        problemLines = []
        warningLines = warned.map(\.description)
        summary = Summary(
            listen: configuration.listen.map(\.description), admin: configuration.admin.description,
            data: configuration.data, shards: shards,
            sources: configuration.sources.map {
                Source(
                    name: $0.name, keys: $0.keys.count,
                    accounts: $0.accounts.keys.map { "\($0.name)" }.sorted(),
                    open: $0.needsNoCredential, acknowledge: $0.acknowledge.rawValue)
            },
            destinations: configuration.destinations.map {
                // The origin alone: a webhook's path and query are often its credential.
                Destination(
                    name: $0.name, platform: "\($0.platform.name)", url: $0.url.origin, batch: $0.batch,
                    concurrency: $0.concurrency, rate: $0.rate?.description)
            },
            limits: configuration.limits.lines.map {
                Limit(
                    name: $0.key.map { "limits.\($0)" } ?? $0.name, value: $0.value, default: $0.defaultValue)
            },
            memory: budget.lines.map { Holder(holder: $0.holder, reckoning: $0.reckoning, bytes: $0.bytes) },
            memoryBytes: budget.totalBytes, physicalMemoryBytes: physicalMemoryBytes,
            fileDescriptors: descriptors, fileDescriptorsMax: descriptorsMax)
    }

    package static var physicalMemory: Int {
        let pages = sysconf(Int32(_SC_PHYS_PAGES))
        let size = sysconf(Int32(_SC_PAGESIZE))
        return pages > 0 && size > 0 ? pages * size : 0
    }

    /// Every problem, one a line, or the summary.
    package var text: String {
        guard let summary else { return problemLines.joined(separator: "\n") + "\n" }
        var lines = warningLines.map { "warning: \($0)" }
        lines.append("\(file ?? "no configuration file, defaults"): good")
        lines.append("")
        lines.append("listen       \(summary.listen.joined(separator: ", ")), \(summary.shards) shards")
        lines.append("admin        \(summary.admin)")
        lines.append("data         \(summary.data)")
        lines.append("")
        var sources = TextTable(header: ["SOURCE", "CREDENTIALS", "ACKNOWLEDGE"], rightAligned: [])
        for source in summary.sources {
            var credentials = source.keys == 0 ? [] : ["\(source.keys) \(source.keys == 1 ? "key" : "keys")"]
            credentials += source.accounts
            sources.add([
                source.name, source.open ? "none (open)" : credentials.joined(separator: ", "),
                source.acknowledge,
            ])
        }
        lines += sources.lines + [""]
        lines += destinationLines(summary) + [""]
        lines += limitLines(summary) + [""]
        lines += memoryLines(summary)
        return lines.joined(separator: "\n") + "\n"
    }

    private func destinationLines(_ summary: Summary) -> [String] {
        guard !summary.destinations.isEmpty else { return ["no destinations: events are kept in the log"] }
        var table = TextTable(
            header: ["DESTINATION", "PLATFORM", "HOST", "BATCH", "CONCURRENCY", "RATE"],
            rightAligned: [3, 4, 5])
        for destination in summary.destinations {
            table.add([
                destination.name, destination.platform, destination.url, "\(destination.batch)",
                "\(destination.concurrency)", destination.rate ?? "-",
            ])
        }
        return table.lines
    }

    private func limitLines(_ summary: Summary) -> [String] {
        var table = TextTable(header: ["LIMIT", "VALUE", ""], rightAligned: [1])
        for limit in summary.limits {
            table.add([limit.name, limit.value, limit.default.map { "default \($0)" } ?? ""])
        }
        return table.lines
    }

    private func memoryLines(_ summary: Summary) -> [String] {
        var table = TextTable(header: ["MEMORY, AT MOST", "", ""], rightAligned: [1, 2])
        for line in summary.memory { table.add([line.holder, line.reckoning, ByteSize.rounded(line.bytes)]) }
        table.add(["in all", "", ByteSize.rounded(summary.memoryBytes)])
        table.add(["this machine", "", ByteSize.rounded(summary.physicalMemoryBytes)])
        return table.lines + [
            "", "file descriptors: at most \(summary.fileDescriptors), allowed \(summary.fileDescriptorsMax)",
        ]
    }
}
