import SluiceCore

/// Requests of one platform, as templates: several variants, so that users, products, prices and ads differ
/// from request to request, while each event has an id of its own.
package struct LoadTraffic: Sendable {
    package let settings: TrafficSettings
    package let target: TargetURL
    package let run: RunID
    let seed: UInt64

    /// - Parameter seed: of everything but the ids; those are the run's.
    package init(_ settings: TrafficSettings, target: TargetURL, run: RunID, seed: UInt64) throws(TrafficError) {
        self.settings = settings
        self.target = target
        self.run = run
        self.seed = seed
        for (name, value) in settings.headers {
            guard Self.isToken(name), !value.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 }) else {
                throw .badHeader("\(name): \(value)")
            }
        }
        if let method = settings.method, !Self.isToken(method) { throw .badMethod(method) }
        guard settings.events <= eventsMax, settings.events >= 1 else {
            throw .tooManyEvents(settings.platform, most: eventsMax)
        }
        guard settings.body != nil || types.contains(type) || type == .mixed else {
            throw .typeUnknown(settings.platform, type)
        }
        guard (settings.bytes ?? 400) <= 16 << 20, settings.events * (settings.bytes ?? 400) <= 64 << 20 else {
            throw .tooLarge
        }
        if settings.bytes != nil, settings.body == nil { _ = try pad() }
    }

    /// Whether an answer to it has no body whatever its head says.
    package var isHead: Bool { settings.method == "HEAD" }

    /// The templates of one thread.
    package func templates(thread: Int) -> [RequestTemplate] {
        let pad = (try? pad()) ?? 0
        let size = text(variant: 0, pad: pad).utf8.count
        let variants = max(1, min(settings.body == nil ? Self.variantsMax : 1, Self.variantBytes / size))
        return (0..<variants).map {
            RequestTemplate(text(variant: $0, pad: pad), events: settings.events, run: run, thread: thread)
        }
    }

    private static let variantsMax = 64
    /// All variants of a thread together should stay in a core's cache.
    private static let variantBytes = 256 << 10

    // MARK: Which events

    var type: LoadEventType {
        if let type = settings.type { return type }
        return types.contains(.impression) ? .impression : .purchase
    }

    /// What the platform knows, from the most to the least frequent.
    private var types: [LoadEventType] {
        switch settings.platform {
        case .topsort: [.impression, .click, .pageView, .purchase]
        case .native: [.impression, .view, .click, .pageView, .purchase]
        case .gowit, .vtex: [.impression, .view, .click, .purchase]
        case .kevel, .impact: [.purchase]
        }
    }

    private var eventsMax: Int {
        if settings.body != nil { return 10_000 }
        return switch settings.platform {
        case .native: 10_000
        case .topsort: 50
        case .gowit, .vtex, .kevel, .impact: 1
        }
    }

    /// The type of an event; a mix has as many of each as a shop sees.
    func drawType(_ random: inout SplitMix64) -> LoadEventType {
        guard type == .mixed else { return type }
        guard types.count > 1 else { return types[0] }
        switch random.next(below: 100) {
        case ..<60: return .impression
        case ..<75: return types.contains(.view) ? .view : .pageView
        case ..<92: return .click
        default: return .purchase
        }
    }

    // MARK: One request

    /// What a platform's part makes of one request.
    struct Draft {
        var method = "POST"
        var path: String
        var contentType: String? = "application/json"
        var headers: [(name: String, value: String)] = []
        var body = ""
    }

    private func draft(variant: Int, pad: Int) -> Draft {
        var random = SplitMix64(seed: seed &+ UInt64(variant) &* 0x9E37_79B9_7F4A_7C15)
        var draft =
            switch settings.platform {
            case .topsort: topsort(&random, pad: pad)
            case .native: native(&random, pad: pad)
            case .gowit: gowit(&random, pad: pad)
            case .vtex: vtex(&random, pad: pad)
            case .kevel: kevel(&random, pad: pad)
            case .impact: impact(&random, pad: pad)
            }
        if let body = settings.body {
            draft.body = body
            if !target.path.isEmpty { draft.path = target.path }
        }
        if let method = settings.method { draft.method = method }
        return draft
    }

    /// How much filler each event gets to be as large as was asked for.
    private func pad() throws(TrafficError) -> Int {
        guard let bytes = settings.bytes, settings.body == nil else { return 0 }
        // Variants may differ in length; the largest decides.
        let least = (0..<Self.variantsMax).map { measured(draft(variant: $0, pad: 0)) }.max() ?? 0
        let pad = bytes - (least + settings.events - 1) / settings.events
        guard pad >= 0 else { throw .tooSmall(least: bytes - pad) }
        return pad
    }

    /// Bytes of what `--bytes` speaks of.
    private func measured(_ draft: Draft) -> Int {
        let text = draft.body.isEmpty ? String(draft.path.drop { $0 != "?" }.dropFirst()) : draft.body
        return Self.length(text)
    }

    /// With the placeholders replaced.
    static func length(_ text: String) -> Int {
        var length = text.utf8.count
        for part in text.split(separator: "{{", omittingEmptySubsequences: false).dropFirst() {
            guard let end = part.firstRange(of: "}}") else { continue }
            let name = part[..<end.lowerBound]
            let replaced = name == "time" ? 24 : name == "id" || name.hasPrefix("id:") ? RunID.length : nil
            if let replaced { length += replaced - name.utf8.count - 4 }
        }
        return length
    }

    func text(variant: Int, pad: Int) -> String {
        let draft = draft(variant: variant, pad: pad)
        var headers: [(name: String, value: String)] = [("Host", target.authority), ("User-Agent", "sluice-load")]
        if let contentType = draft.contentType, !draft.body.isEmpty { headers.append(("Content-Type", contentType)) }
        headers += draft.headers
        if !draft.body.isEmpty || ["POST", "PUT", "PATCH"].contains(draft.method) {
            headers.append(("Content-Length", "\(Self.length(draft.body))"))
        }
        for own in settings.headers {
            if let index = headers.firstIndex(where: { $0.name.lowercased() == own.name.lowercased() }) {
                headers[index] = own
            } else {
                headers.append(own)
            }
        }
        let lines = headers.map { "\($0.name): \($0.value)\r\n" }.joined()
        return "\(draft.method) \(draft.path) HTTP/1.1\r\n\(lines)\r\n\(draft.body)"
    }

    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"()<>@,;:\\\"/[]?={}".utf8.contains($0) }
    }

    // MARK: What all platforms share

    /// The URL's path, or the platform's where it has none.
    func path(_ standard: String) -> String { target.path.isEmpty ? standard : target.path }

    /// For paths that hold ids: the URL's path is what stands before them.
    func path(prefix standard: String, _ rest: String) -> String {
        guard !target.path.isEmpty else { return standard + rest }
        return (target.path.hasSuffix("/") ? String(target.path.dropLast()) : target.path) + rest
    }

    var bearer: [(name: String, value: String)] {
        settings.key.map { [("Authorization", "Bearer \($0)")] } ?? []
    }

    static func uuid(_ random: inout SplitMix64) -> String {
        let digits = hex(&random, 32)
        return [
            digits.prefix(8), digits.dropFirst(8).prefix(4), "4" + digits.dropFirst(13).prefix(3),
            "a" + digits.dropFirst(17).prefix(3), digits.suffix(12),
        ].joined(separator: "-")
    }

    static func hex(_ random: inout SplitMix64, _ count: Int) -> String {
        let digits = Array("0123456789abcdef")
        return String((0..<count).map { _ in digits[random.next(below: 16)] })
    }

    /// As long as asked for, of letters and digits that need no escape anywhere.
    static func filler(_ random: inout SplitMix64, _ count: Int) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        return String((0..<count).map { _ in letters[random.next(below: letters.count)] })
    }

    /// A member that no platform knows and all accept, to be put behind another one: `count` bytes of it.
    static func note(_ random: inout SplitMix64, _ count: Int) -> String {
        let frame = ",\"note\":\"\"".utf8.count
        // Too short for a member: JSON may have spaces.
        guard count >= frame else { return String(repeating: " ", count: count) }
        return ",\"note\":\"\(filler(&random, count - frame))\""
    }

    static func product(_ random: inout SplitMix64) -> String { "sku-\(10_000 + random.next(below: 90_000))" }

    /// 10.00 to 99.99.
    static func price(_ random: inout SplitMix64) -> String {
        let cents = 1000 + random.next(below: 9000)
        return "\(cents / 100).\(cents % 100 < 10 ? "0" : "")\(cents % 100)"
    }
}
