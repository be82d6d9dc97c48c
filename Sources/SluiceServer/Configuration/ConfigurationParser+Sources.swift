import SluiceCore

/// A source with the place it came from; `scope` is nil for the one there is without any.
struct ParsedSource {
    var settings: SourceSettings
    var scope: ConfigurationScope?
    var keyFields: [(value: Secret, field: ConfigurationField)] = []
    var accountFields: [(platform: Platform, account: String, field: ConfigurationField)] = []
}

extension ConfigurationParser {
    func parseSources(_ root: ConfigurationScope, acknowledge: Acknowledge) -> [ParsedSource] {
        guard let field = root["sources"] else {
            var local = SourceSettings.local
            local.acknowledge = acknowledge
            return [ParsedSource(settings: local, scope: nil)]
        }
        guard let elements = field.elements() else { return [] }
        if elements.isEmpty { field.report("is empty; leave the key out for one open source on loopback") }
        guard elements.count <= Limits.sources else {
            field.report("has \(elements.count) sources; at most \(Limits.sources) are allowed")
            return []
        }
        return elements.compactMap { parseSource($0, acknowledge: acknowledge) }
    }

    private func parseSource(_ element: ConfigurationField, acknowledge: Acknowledge) -> ParsedSource? {
        guard let scope = element.scope(keys: ConfigurationKeys.source) else { return nil }
        // A source without a good name still has its other keys checked.
        var source = ParsedSource(
            settings: SourceSettings(name: scope.require("name", .name) ?? ""), scope: scope)
        source.settings.id = scope.read("id", .uuid)
        source.settings.acknowledge = acknowledge
        scope.read("acknowledge", .acknowledge, into: &source.settings.acknowledge)
        scope.read("open", .bool, into: &source.settings.isOpen)
        scope.read("lenient", .bool, into: &source.settings.lenient)
        scope.read(
            "ip", .word(AddressPolicy.allCases.map { ($0.rawValue, $0) }), into: &source.settings.address)
        warnOfNoEffect(scope, source.settings)
        source.keyFields = scope["keys"]?.list(.credential, max: 100) ?? []
        source.settings.keys = source.keyFields.map(\.value)
        source.settings.origins = scope["origins"]?.list(.origin, max: 1000)?.map(\.value)
        parseAccounts(scope, &source)
        return source
    }

    /// Keys that only platforms use which are not served.
    private func warnOfNoEffect(_ scope: ConfigurationScope, _ settings: SourceSettings) {
        if settings.id != nil, !options.inbound.contains(.gowit) {
            scope.warn("id", "has no effect in this version: no platform it serves finds a source by its id")
        }
        if settings.lenient, !options.inbound.contains(.vtex) {
            scope.warn("lenient", "has no effect in this version: events are checked in full")
        }
    }

    private func parseAccounts(_ scope: ConfigurationScope, _ source: inout ParsedSource) {
        let platforms = ConfigurationKeys.accountPlatforms
        guard let accounts = scope["accounts"]?.scope(keys: platforms.map { "\($0.name)" }) else { return }
        for platform in platforms {
            let key = "\(platform.name)"
            guard let field = accounts[key],
                let account = field.read(platform == .kevel || platform == .impact ? .account : .identifier)
            else { continue }
            if !options.inbound.contains(platform) {
                accounts.warn(
                    key,
                    "has no effect in this version, which takes no events in the form of \(platform.name) yet")
            }
            source.accountFields.append((platform, account, field))
            source.settings.accounts[platform] = account
        }
        if accounts["impact"] != nil, scope["keys"] == nil {
            accounts.report("impact", "needs keys: the password beside the account is one of them")
        }
    }

    /// What no source can know alone.
    func check(_ sources: [ParsedSource], listen: [Endpoint], in root: ConfigurationScope) {
        checkUniqueness(sources)
        let reachable = listen.first { !$0.isLoopback }
        var open: String?
        for source in sources {
            let settings = source.settings
            // A credential that was given and is wrong has been reported; it does not make a source open.
            let gaveCredentials = source.scope?["keys"] != nil || source.scope?["accounts"] != nil
            guard settings.needsNoCredential, !gaveCredentials || settings.isOpen else {
                if settings.isOpen {
                    source.scope?.report(
                        "open", "is set for a source with keys or accounts; drop one or the other")
                }
                continue
            }
            let place = source.scope ?? root
            let key = source.scope == nil ? "sources" : (source.scope?["open"] == nil ? "name" : "open")
            if let reachable, !settings.isOpen {
                place.report(
                    key,
                    "source '\(settings.name)' has neither keys nor accounts, so anyone who reaches '\(reachable)' could send; give it keys, or set open: true"
                )
            }
            if let open {
                place.report(
                    key,
                    "source '\(settings.name)' has neither keys nor accounts, like '\(open)'; only one source may"
                )
            }
            open = open ?? settings.name
        }
    }

    private func checkUniqueness(_ sources: [ParsedSource]) {
        var names: Set<String> = []
        var ids: [String: String] = [:]
        var keys: [Secret: String] = [:]
        var accounts: [String: String] = [:]
        for source in sources {
            let name = source.settings.name
            if !name.isEmpty, !names.insert(name).inserted {
                source.scope?.report("name", "another source is called '\(name)', too")
            }
            if let id = source.settings.id {
                if let other = ids[id] { source.scope?.report("id", "is the id of source '\(other)', too") }
                ids[id] = ids[id] ?? name
            }
            for (key, field) in source.keyFields {
                if let other = keys[key] { field.report("is a key of source '\(other)', too") }
                keys[key] = keys[key] ?? name
            }
            for (platform, account, field) in source.accountFields {
                let label = "\(platform.name) \(account)"
                if let other = accounts[label] { field.report("is the account of source '\(other)', too") }
                accounts[label] = accounts[label] ?? name
            }
        }
    }
}
