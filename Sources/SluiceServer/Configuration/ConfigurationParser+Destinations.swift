import Glibc
import SluiceCore

extension ConfigurationParser {
    func parseDestinations(
        _ root: ConfigurationScope, sourceNames: [String], retainMilliseconds: Int
    ) -> [DestinationSettings] {
        guard let field = root["destinations"], let elements = field.elements() else { return [] }
        guard elements.count <= Limits.destinations else {
            field.report("has \(elements.count) destinations; at most \(Limits.destinations) are allowed")
            return []
        }
        var names: Set<String> = []
        return elements.compactMap { element in
            parseDestination(
                element, names: &names, sourceNames: sourceNames, retainMilliseconds: retainMilliseconds)
        }
    }

    private func parseDestination(
        _ element: ConfigurationField, names: inout Set<String>, sourceNames: [String],
        retainMilliseconds: Int
    ) -> DestinationSettings? {
        guard let (scope, platform) = destinationScope(element) else { return nil }
        let name = scope.require("name", .name)
        if let name, !names.insert(name).inserted {
            scope.report("name", "another destination is called '\(name)', too")
        }
        let url = scope.require("url", .url)
        guard let platform else { return nil }
        // What is wrong with the rest is worth knowing even where name or URL are missing.
        var settings = DestinationSettings(
            name: name ?? "", platform: platform, url: url ?? WebAddress(scheme: "https", host: "", path: ""))
        parseCredentials(scope, &settings)
        parseRules(scope, &settings, sourceNames: sourceNames)
        parseDelivery(scope, &settings, retainMilliseconds: retainMilliseconds)
        settings.headers = parseHeaders(scope, hasToken: settings.token != nil)
        if url != nil { checkURL(scope, &settings) }
        return name == nil || url == nil ? nil : settings
    }

    /// The destination's keys, checked against those its platform has.
    private func destinationScope(_ element: ConfigurationField) -> (ConfigurationScope, Platform?)? {
        guard let entries = element.entries() else { return nil }
        let platformField = entries.first { $0.key == "platform" }?.field
        let platform = platformField?.read(.outboundPlatform)
        if platformField == nil {
            reader.report("\(element.path).platform", element.mark, "is required")
        }
        if let platform, let platformField, !options.outbound.contains(platform) {
            let available = Platform.allCases.filter(options.outbound.contains).map { "\($0.name)" }
            platformField.report(
                "this version does not deliver to \(platform.name) yet; it delivers to \(available.joined(separator: " and "))"
            )
        }
        // Without a platform, the keys of all of them are taken as known.
        var own: Set<String> = []
        var foreign: [String: [Platform]] = [:]
        for candidate in Platform.allCases {
            let keys = ConfigurationKeys.destination(candidate)
            for key in keys.required + keys.optional {
                if platform == nil || candidate == platform { own.insert(key) }
                foreign[key, default: []].append(candidate)
            }
        }
        var elsewhere: [String: String] = [:]
        for (key, owners) in foreign where !own.contains(key) {
            let names = owners.map { "\($0.name)" }.joined(separator: ", ")
            elsewhere[key] = "is a key of \(names) destinations, not of \(platform?.name ?? "this") ones"
        }
        let scope = ConfigurationScope(
            reader: reader, path: element.path, mark: element.mark, entries: entries,
            keys: ConfigurationKeys.destination + own.sorted(), elsewhere: elsewhere)
        for key in platform.map({ ConfigurationKeys.destination($0).required }) ?? [] where scope[key] == nil {
            reader.report(
                scope.path(of: key), scope.mark, "is required for \(platform?.name ?? "") destinations")
        }
        return (scope, platform)
    }

    private func parseCredentials(_ scope: ConfigurationScope, _ settings: inout DestinationSettings) {
        settings.token = scope.read("token", .credential)
        settings.secret = scope.read("secret", .signingKey)
        settings.dataSource = scope.read("data_source", .uuid)
        settings.marketplaceID = scope.read("marketplace_id", .identifier)
        settings.publisherID = scope.read("publisher_id", .identifier)
        scope.read("auto_impression", .bool, into: &settings.autoImpression)
        settings.networkID = scope.read("network_id", .account)
        settings.accountSID = scope.read("account_sid", .account)
        settings.campaignID = scope.read("campaign_id", .integer(1...Int(Int32.max)))
        settings.eventTypeID = scope.read("event_type_id", .integer(1...Int(Int32.max)))
    }

    private func parseRules(
        _ scope: ConfigurationScope, _ settings: inout DestinationSettings, sourceNames: [String]
    ) {
        let types = EventType.allCases.map { ("\($0.name)", $0) }
        settings.events = rule(scope["events"], .word(types))
        let networks = Platform.allCases.filter { $0 != .native && $0 != .webhook }.map { "\($0.name)" }
        settings.networks = rule(scope["networks"], .word(networks.map { ($0, $0) } + [("organic", "")]))
        guard
            let sources = rule(
                scope["sources"], .name,
                { field, name in
                    guard !sourceNames.contains(name) else { return }
                    field.report("there is no source '\(name)'\(didYouMean(name, among: sourceNames))")
                })
        else { return }
        settings.sources = sources
    }

    /// A list without repetitions; an empty one would let nothing through.
    private func rule<Value: Equatable>(
        _ field: ConfigurationField?, _ form: Form<Value>,
        _ check: (ConfigurationField, Value) -> Void = { _, _ in }
    ) -> [Value]? {
        guard let field, let list = field.list(form, max: 1000) else { return nil }
        if list.isEmpty, field.elements()?.isEmpty == true {
            field.report("is empty, so nothing would be delivered; leave the key out for no rule")
        }
        var values: [Value] = []
        for (value, element) in list {
            if values.contains(value) { element.report("is given more than once") }
            check(element, value)
            values.append(value)
        }
        return values
    }

    private func parseDelivery(
        _ scope: ConfigurationScope, _ settings: inout DestinationSettings, retainMilliseconds: Int
    ) {
        let day = 86_400_000
        scope.read("batch", .integer(1...10_000), into: &settings.batch)
        scope.read("concurrency", .integer(1...256), into: &settings.concurrency)
        settings.rate = scope.read("rate", .rate)
        scope.read("timeout", .duration(100...600_000), into: &settings.timeoutMilliseconds)
        let retry = scope["retry"]?.scope(keys: ConfigurationKeys.retry)
        retry?.read("for", .duration(1000...365 * day), into: &settings.retryForMilliseconds)
        scope.read(
            "ambiguous", .word(AmbiguousPolicy.allCases.map { ($0.rawValue, $0) }), into: &settings.ambiguous)
        scope.read("gpc", .word(PrivacyPolicy.allCases.map { ($0.rawValue, $0) }), into: &settings.privacy)
        if !options.ambiguous.contains(settings.ambiguous) {
            scope.report("ambiguous", "this version does not \(settings.ambiguous.rawValue) events yet")
        }
        if !options.privacy.contains(settings.privacy) {
            scope.report(
                "gpc", "this version does not \(settings.privacy.rawValue) events yet; it sends them")
        }
        scope.read("start", .word(StartPosition.allCases.map { ($0.rawValue, $0) }), into: &settings.start)
        scope.read("gzip", .bool, into: &settings.gzip)
        if settings.gzip, settings.platform != .webhook {
            scope.report(
                "gzip",
                "\(settings.platform.name) takes no compressed bodies; only webhook destinations can have it")
        }
        if settings.retryForMilliseconds > retainMilliseconds {
            let message =
                "retrying for \(Duration.text(milliseconds: settings.retryForMilliseconds)) is longer than events are kept (log.retain.age is \(Duration.text(milliseconds: retainMilliseconds)))"
            if let retry { retry.report("for", message) } else { scope.report("retry", message) }
        }
        if settings.timeoutMilliseconds > settings.retryForMilliseconds {
            scope.report(
                "timeout",
                "\(Duration.text(milliseconds: settings.timeoutMilliseconds)) is longer than events are tried (retry.for is \(Duration.text(milliseconds: settings.retryForMilliseconds)))"
            )
        }
    }

    private func parseHeaders(_ scope: ConfigurationScope, hasToken: Bool) -> [DestinationHeader] {
        guard let entries = scope["headers"]?.entries() else { return [] }
        let ours = [
            "host", "content-length", "transfer-encoding", "connection", "content-type", "content-encoding",
            "expect", "sluice-signature", "data-source-uuid",
        ]
        var headers: [DestinationHeader] = []
        for entry in entries {
            let lowered = entry.key.lowercased()
            // RFC 9110, section 5.6.2: the characters of a token.
            let isToken =
                !lowered.isEmpty
                && lowered.utf8.allSatisfy {
                    (0x61...0x7A).contains($0) || (0x30...0x39).contains($0)
                        || "!#$%&'*+-.^_`|~".utf8.contains($0)
                }
            if !isToken {
                reader.report(entry.field.path, entry.keyMark, "'\(entry.key)' is not the name of a header")
            } else if ours.contains(lowered) || (hasToken && lowered == "authorization") {
                reader.report(entry.field.path, entry.keyMark, "is set by the gateway itself")
            } else if headers.contains(where: { $0.name.lowercased() == lowered }) {
                reader.report(entry.field.path, entry.keyMark, "is given more than once")
            } else if let value = entry.field.read(.headerValue) {
                headers.append(DestinationHeader(name: entry.key, value: value))
            }
        }
        return headers
    }

    private func checkURL(_ scope: ConfigurationScope, _ settings: inout DestinationSettings) {
        let isBase = settings.platform != .gowit && settings.platform != .webhook
        if isBase {
            if settings.url.query != nil {
                scope.report(
                    "url", "is the base of \(settings.platform.name)'s URLs and can have no query ('?')")
            }
            while settings.url.path.hasSuffix("/") { settings.url.path.removeLast() }
            if settings.platform == .topsort, settings.url.path.hasSuffix("/v2/events") {
                scope.report("url", "is the base of topsort's URLs: leave '/v2/events' out")
            }
        }
        let hasCredential = settings.token != nil || !settings.headers.isEmpty
        if hasCredential, !settings.url.isSecure, !settings.url.isLoopback {
            scope.warn("url", "sends credentials unencrypted to \(settings.url.host); use https")
        }
        guard let file = scope.read("ca_file", .path) else { return }
        settings.caFile = file
        if !settings.url.isSecure { scope.report("ca_file", "is of no use without https") }
        if !options.fileIsReadable(file) { scope.report("ca_file", "'\(file)' cannot be read") }
    }
}
