import Logging
import SluiceCore
import Yams

/// Turns a document into a `Configuration`, reporting everything that is wrong to the reader.
struct ConfigurationParser {
    let reader: ConfigurationReader
    let options: ConfigurationOptions

    /// Values that were wrong have their defaults in the result; it is good only when nothing was reported.
    func parse(_ root: Node?) -> Configuration {
        var configuration = Configuration()
        configuration.file = reader.file
        guard let root else { return configuration }
        let field = ConfigurationField(reader: reader, node: root, path: "")
        guard let scope = field.scope(keys: ConfigurationKeys.root) else { return configuration }

        parseServer(scope, &configuration)
        parseLog(scope, &configuration.log)
        parseDeduplication(scope, &configuration)
        parseLimits(scope, &configuration)
        configuration.hosts = parseHosts(scope)
        var acknowledge = Acknowledge.committed
        scope.read("acknowledge", .acknowledge, into: &acknowledge)
        let sources = parseSources(scope, acknowledge: acknowledge)
        configuration.sources = sources.map(\.settings)
        check(sources, listen: configuration.listen, in: scope)
        let destinations = parseDestinations(
            scope, sourceNames: configuration.sources.map(\.name),
            retainMilliseconds: configuration.log.retainAgeMilliseconds)
        configuration.destinations = destinations.map { destination in
            var destination = destination
            destination.otherAccounts = ConfigurationParser.otherAccounts(than: destination, configuration.sources)
            return destination
        }
        return configuration
    }

    /// Only impact.com's events carry names that mean something in one account alone: campaigns and event types.
    private static func otherAccounts(
        than destination: DestinationSettings, _ sources: [SourceSettings]
    ) -> [String] {
        guard destination.platform == .impact, let own = destination.accountSID else { return [] }
        return sources.filter { source in source.accounts[.impact].map { $0 != own } ?? false }.map(\.name)
    }

    private func parseServer(_ scope: ConfigurationScope, _ configuration: inout Configuration) {
        scope.read("admin", .endpoint, into: &configuration.admin)
        scope.read("data", .path, into: &configuration.data)
        scope.read("workers", .integer(0...256), into: &configuration.workers)
        scope.read("drain", .duration(0...600_000), into: &configuration.drainMilliseconds)
        scope.read(
            "log_format", .word(LogFormat.allCases.map { ($0.rawValue, $0) }), into: &configuration.logFormat)
        scope.read(
            "log_level", .word(Logger.Level.allCases.map { ($0.rawValue, $0) }), into: &configuration.logLevel
        )
        parseListen(scope, &configuration)
    }

    private func parseListen(_ scope: ConfigurationScope, _ configuration: inout Configuration) {
        var listeners: [(value: Endpoint, field: ConfigurationField)] = []
        if let field = scope["listen"] {
            guard let list = field.list(.endpoint, max: 16) else { return }
            if list.isEmpty, field.elements()?.isEmpty == true {
                field.report("names no address; at least one is needed")
            }
            for (endpoint, element) in list {
                if let other = listeners.first(where: { $0.value.clashes(with: endpoint) }) {
                    element.report("'\(endpoint)' gets in the way of '\(other.value)'")
                }
                listeners.append((endpoint, element))
            }
            configuration.listen = list.map(\.value)
        }
        guard let clash = configuration.listen.first(where: { $0.clashes(with: configuration.admin) }) else {
            return
        }
        scope.report(
            "admin",
            "'\(configuration.admin)' gets in the way of '\(clash)' of listen; the admin port is never the public one"
        )
    }

    private func parseLog(_ root: ConfigurationScope, _ log: inout LogSettings) {
        guard let scope = root["log"]?.scope(keys: ConfigurationKeys.log) else { return }
        scope.read(
            "compression", .word(BlockCodec.allCases.reversed().map { ($0.rawValue, $0) }),
            into: &log.compression)
        let day = 86_400_000
        let segment = scope["segment"]?.scope(keys: ConfigurationKeys.segment)
        segment?.read("size", .size(64 << 10...1 << 40), into: &log.segmentBytes)
        segment?.read("age", .duration(1000...30 * day), into: &log.segmentAgeMilliseconds)
        let retain = scope["retain"]?.scope(keys: ConfigurationKeys.retain)
        retain?.read("age", .duration(1000...3650 * day), into: &log.retainAgeMilliseconds)
        retain?.read("size", .size(128 << 10...1 << 50), into: &log.retainBytes)
        log.retainHardBytes = log.retainBytes
        retain?.read("hard_size", .size(128 << 10...1 << 50), into: &log.retainHardBytes)
        if log.retainHardBytes < log.retainBytes {
            retain?.report(
                "hard_size",
                "log.retain.hard_size (\(ByteSize.text(log.retainHardBytes))) must be at least log.retain.size (\(ByteSize.text(log.retainBytes)))"
            )
        }
        if log.segmentBytes > log.retainBytes / 2 {
            let (place, key) = retain?["size"] != nil ? (retain, "size") : (segment, "size")
            place?.report(
                key,
                "log.retain.size (\(ByteSize.text(log.retainBytes))) must be at least twice log.segment.size (\(ByteSize.text(log.segmentBytes))): only whole segments are given up"
            )
        }
        if log.segmentAgeMilliseconds > log.retainAgeMilliseconds {
            let (place, key) = retain?["age"] != nil ? (retain, "age") : (segment, "age")
            place?.report(
                key,
                "log.retain.age (\(Duration.text(milliseconds: log.retainAgeMilliseconds))) must be at least log.segment.age (\(Duration.text(milliseconds: log.segmentAgeMilliseconds)))"
            )
        }
    }

    private func parseDeduplication(_ root: ConfigurationScope, _ configuration: inout Configuration) {
        guard let field = root["deduplicate"] else { return }
        guard !field.isOff else {
            configuration.deduplicate = nil
            return
        }
        guard let scope = field.scope(keys: ConfigurationKeys.deduplicate) else { return }
        var settings = DeduplicationSettings()
        scope.read("age", .duration(1000...30 * 86_400_000), into: &settings.ageMilliseconds)
        scope.read("events", .integer(1000...1_000_000_000), into: &settings.events)
        configuration.deduplicate = settings
        if settings.ageMilliseconds > configuration.log.retainAgeMilliseconds {
            scope.warn(
                "age",
                "is longer than log.retain.age (\(Duration.text(milliseconds: configuration.log.retainAgeMilliseconds))): after a restart only events that are still in the log are known"
            )
        }
    }

    private func parseLimits(_ root: ConfigurationScope, _ configuration: inout Configuration) {
        let scope = root["limits"]?.scope(keys: ConfigurationKeys.limits)
        var limits = Limits()
        let megabyte = 1 << 20
        let hour = 3_600_000
        scope?.read("body", .size(1 << 10...64 * megabyte), into: &limits.bodyBytes)
        scope?.read("inflated", .size(1 << 10...256 * megabyte), into: &limits.inflatedBytes)
        scope?.read("head", .size(1 << 10...megabyte), into: &limits.headBytes)
        scope?.read("connections", .integer(1...10_000_000), into: &limits.connections)
        limits.namesConnections = scope?["connections"] != nil
        scope?.read("head_timeout", .duration(100...hour), into: &limits.headTimeoutMilliseconds)
        scope?.read("body_timeout", .duration(100...hour), into: &limits.bodyTimeoutMilliseconds)
        scope?.read("idle_timeout", .duration(100...hour), into: &limits.idleTimeoutMilliseconds)
        scope?.read("pipelined", .integer(1...10_000), into: &limits.pipelinedRequests)
        scope?.read("receive_memory", .size(megabyte...1 << 40), into: &limits.receiveMemoryBytes)
        scope?.read("answer_memory", .size(megabyte...1 << 40), into: &limits.answerMemoryBytes)
        scope?.read("recent_blocks", .size(0...1 << 40), into: &limits.recentBlocksBytes)
        configuration.limits = limits
        for conflict in limits.conflicts(shards: configuration.shards(cores: options.cores)) {
            if let scope {
                scope.report(conflict.key, conflict.message)
            } else {
                root.report("limits", "\(conflict.key): \(conflict.message)")
            }
        }
    }

    private func parseHosts(_ root: ConfigurationScope) -> [String: Platform] {
        guard let entries = root["hosts"]?.entries() else { return [:] }
        var hosts: [String: Platform] = [:]
        for entry in entries {
            let host: String
            do {
                host = try Form.hostName.parse(entry.key)
            } catch {
                reader.report(entry.field.path, entry.keyMark, "'\(entry.key)' \(error.message)")
                continue
            }
            guard let platform = entry.field.read(.inboundPlatform) else { continue }
            guard options.inbound.contains(platform) else {
                entry.field.report("this version does not take events in the form of \(platform.name) yet")
                continue
            }
            if hosts.updateValue(platform, forKey: host) != nil {
                reader.report(entry.field.path, entry.keyMark, "is given more than once")
            }
        }
        return hosts
    }
}

extension Form where Value == Acknowledge {
    static var acknowledge: Form { .word(Acknowledge.allCases.map { ($0.rawValue, $0) }) }
}

extension Form where Value == Platform {
    /// A platform whose clients may send to the gateway.
    static var inboundPlatform: Form {
        .word(Platform.allCases.filter { $0 != .webhook }.map { ("\($0.name)", $0) })
    }

    /// A platform events may be delivered to.
    static var outboundPlatform: Form {
        .word(Platform.allCases.filter { $0 != .native }.map { ("\($0.name)", $0) })
    }
}
