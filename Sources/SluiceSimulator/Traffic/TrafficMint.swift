import SluiceCore

/// Which requests the generator makes, as weights; only their proportions count.
package struct TrafficMix: Equatable, Sendable {
    package var topsort = 35
    package var topsortBatch = 15
    package var native = 25
    package var nativeBatch = 10
    package var pixel = 8
    package var gowit = 0
    package var vtex = 0
    package var kevel = 0
    package var impact = 0
    /// Requests that must be refused, in whole or in part.
    package var invalid = 7

    package init() {}

    /// Only requests that must be taken.
    package static var valid: TrafficMix {
        var mix = TrafficMix()
        mix.invalid = 0
        return mix
    }

    /// Requests in every platform's form; the target must have `accounts`.
    package static var allPlatforms: TrafficMix {
        var mix = TrafficMix()
        mix.gowit = 15
        mix.vtex = 15
        mix.kevel = 6
        mix.impact = 6
        return mix
    }

    /// Requests that only make sense where the source has accounts at the platforms.
    var withAccounts: Int { gowit + vtex + kevel + impact }

    var total: Int { topsort + topsortBatch + native + nativeBatch + pixel + withAccounts + invalid }
}

/// Makes requests like those of a shop's pages and backend, and knows what must come of each.
///
/// Owner: one thread. The same seed makes the same requests, apart from their times.
package struct TrafficMint: Sendable {
    /// Where and as whom to send.
    package struct Target: Sendable {
        /// For the Host field.
        package var authority: String
        /// Bearer token for the native and the Topsort path; nil for an open source.
        package var key: String?
        /// What the source is known by at the platforms; nil: it has no accounts there.
        package var accounts: TrafficAccounts?

        package init(authority: String, key: String? = nil, accounts: TrafficAccounts? = nil) {
            self.authority = authority
            self.key = key
            self.accounts = accounts
        }
    }

    let target: Target
    let mix: TrafficMix
    var random: SplitMix64

    package init(target: Target, mix: TrafficMix = TrafficMix(), seed: UInt64) {
        precondition(mix.total > 0)
        precondition(mix.withAccounts == 0 || target.accounts != nil, "such traffic needs accounts")
        self.target = target
        self.mix = mix
        random = SplitMix64(seed: seed)
    }

    /// The next request. `nowMilliseconds`: since 1970, for the events' times.
    package mutating func next(nowMilliseconds: Int64) -> TrafficRequest {
        var draw = random.next(below: mix.total)
        func drawn(_ weight: Int) -> Bool {
            draw -= weight
            return draw < 0
        }
        if drawn(mix.topsort) { return topsort(count: 1, now: nowMilliseconds) }
        if drawn(mix.topsortBatch) {
            return topsort(count: 2 + random.next(below: 24), now: nowMilliseconds)
        }
        if drawn(mix.native) { return native(count: 1, now: nowMilliseconds) }
        if drawn(mix.nativeBatch) {
            return native(count: 2 + random.next(below: 30), now: nowMilliseconds)
        }
        if drawn(mix.pixel) { return pixel(now: nowMilliseconds) }
        if let accounts = target.accounts {
            if drawn(mix.gowit) { return gowit(accounts, now: nowMilliseconds) }
            if drawn(mix.vtex) { return vtex(accounts, now: nowMilliseconds) }
            if drawn(mix.kevel) { return kevel(accounts, now: nowMilliseconds) }
            if drawn(mix.impact) { return impact(accounts, now: nowMilliseconds) }
        }
        return invalid(now: nowMilliseconds)
    }

    // MARK: What all platforms share

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[random.next(below: elements.count)]
    }

    mutating func chance(_ part: Double) -> Bool { random.nextUnit() < part }

    /// A time within the last two seconds, as a browser's clock would have it.
    mutating func time(_ now: Int64) -> String {
        PlainTime.text(now - Int64(random.next(below: 2000)))
    }

    mutating func user() -> String { "u-\(random.next(below: 100_000))" }

    mutating func product() -> String { "sku-\(random.next(below: 20_000))" }

    /// A price from 0.50 to 199.99, in decimal text.
    mutating func price() -> String {
        Self.decimal(cents: 50 + random.next(below: 19_950))
    }

    static func decimal(cents: Int) -> String {
        "\(cents / 100).\(cents % 100 < 10 ? "0" : "")\(cents % 100)"
    }

    mutating func searchWord() -> String {
        pick(["running shoes", "café crème", "\"smart\" tv", "hammer & nails", "größe 42", "🎁 gift"])
    }

    func post(
        _ path: String, body: String, contentType: String? = "application/json", events: [TrafficEvent],
        form: TrafficForm, expectation: TrafficExpectation, key: String? = nil
    ) -> TrafficRequest {
        var headers: [(name: String, value: String)] = [("User-Agent", Self.userAgent)]
        if let key = key ?? target.key { headers.append(("Authorization", "Bearer \(key)")) }
        if let contentType { headers.append(("Content-Type", contentType)) }
        return TrafficRequest(
            bytes: HTTPClient.bytes(
                "POST", path, host: target.authority, headers: headers, body: Array(body.utf8)),
            events: events, form: form, expectation: expectation)
    }

    /// A request with the headers of its platform, User-Agent aside.
    func request(
        _ method: String, _ path: String, headers: [(name: String, value: String)] = [], body: String = "",
        events: [TrafficEvent], form: TrafficForm, expectation: TrafficExpectation = .taken
    ) -> TrafficRequest {
        TrafficRequest(
            bytes: HTTPClient.bytes(
                method, path, host: target.authority, headers: [("User-Agent", Self.userAgent)] + headers,
                body: Array(body.utf8)),
            events: events, form: form, expectation: expectation)
    }

    static let userAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
}
