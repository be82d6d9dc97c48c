import SluiceCore

/// Where a destination begins that has no cursor yet.
package enum StartPosition: String, Sendable, CaseIterable {
    /// With the first event committed after the gateway first saw the destination.
    case latest
    /// With the oldest event the log still holds.
    case earliest
}

/// How many requests a destination may be sent in a time.
package struct DeliveryRate: Equatable, Sendable {
    /// Requests, at least 1.
    package var amount: Int
    /// Milliseconds, at least 1.
    package var periodMilliseconds: Int

    package init(amount: Int, periodMilliseconds: Int) {
        self.amount = max(amount, 1)
        self.periodMilliseconds = max(periodMilliseconds, 1)
    }

    /// Reads `1000/h`; the units are `s`, `m`, `h` and `d`. Nil for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let amount = Int(parts[0]), amount > 0 else { return nil }
        switch parts[1] {
        case "s": self.init(amount: amount, periodMilliseconds: 1000)
        case "m": self.init(amount: amount, periodMilliseconds: 60_000)
        case "h": self.init(amount: amount, periodMilliseconds: 3_600_000)
        case "d": self.init(amount: amount, periodMilliseconds: 86_400_000)
        default: return nil
        }
    }
}

/// A header that goes with every request of a destination.
package struct DestinationHeader: Equatable, Sendable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// One destination as the configuration describes it, already checked: names and header values
/// without control characters, the URL absolute with scheme http or https.
package struct DestinationConfiguration: Sendable {
    package var name: String
    package var platform: Platform
    /// Base URL; a request's path is appended to it.
    package var url: String
    /// The platform's credential, sent as the platform wants it.
    package var token: String?
    /// GoWit's data source, a UUID; goes with every request.
    package var dataSource: String?
    /// The marketplace's id at GoWit; used by the encoder.
    package var marketplaceID: String?
    /// GoWit records impressions itself, so that none are sent; used by the encoder.
    package var autoImpression = false
    /// The publisher's id at VTEX Ads; used by the encoder.
    package var publisherID: String?
    /// The network's id at Kevel; used by the encoder.
    package var networkID: String?
    /// The account's SID at impact.com; the user name of its credential, too.
    package var accountSID: String?
    /// The campaign's id at impact.com, in decimal; used by the encoder.
    package var campaignID: String?
    /// The event type's (action tracker's) id at impact.com, in decimal; used by the encoder.
    package var eventTypeID: String?
    /// Signs webhook bodies; used by the encoder.
    package var secret: String?
    package var headers: [DestinationHeader] = []
    package var rules = DeliveryRules()
    /// Most events in one request, at least 1; the encoder may want fewer.
    package var batch = 50
    /// Most requests at one time, at least 1.
    package var concurrency = 4
    package var rate: DeliveryRate?
    /// For one whole request, name resolution to last byte of the answer.
    package var timeoutMilliseconds = 10_000
    /// How long one event is tried, counted from its first attempt in this process.
    package var retryForSeconds = 86_400
    /// How long a request that is not full waits for more events; 0 sends at once.
    package var lingerMilliseconds = 0
    package var start = StartPosition.latest
    /// Whether events of a request that was sent and not answered are parked instead of sent again: for
    /// platforms that count an event twice when they get it twice.
    package var parksAmbiguous = false
    /// Compresses bodies; done by the encoder.
    package var gzip = false
    /// PEM file with the authorities to trust instead of the system's.
    package var caFile: String?
    /// URL of a proxy; without it none is used, whatever the environment says.
    package var proxy: String?

    package init(name: String, platform: Platform, url: String) {
        self.name = name
        self.platform = platform
        self.url = url
    }

    /// The URL of a request: base and path, with exactly one slash between them. An empty path
    /// leaves the base as it is; a path that begins with `?` is put behind it untouched.
    package func requestURL(path: Bytes) -> String {
        guard !path.isEmpty else { return url }
        if path[0] == UInt8(ascii: "?") { return url + path.string }
        var base = url
        while base.hasSuffix("/") { base.removeLast() }
        return base + (path[0] == UInt8(ascii: "/") ? "" : "/") + path.string
    }

    /// The headers that every request carries: the configured ones and the credential.
    package var fixedHeaders: [DestinationHeader] {
        headers + platformHeaders
    }

    private var platformHeaders: [DestinationHeader] {
        func authorization(_ value: String) -> DestinationHeader {
            DestinationHeader(name: "Authorization", value: value)
        }
        switch platform {
        case .topsort:
            return token.map { [authorization("Bearer " + $0)] } ?? []
        case .gowit:
            // "Authorization: <API key>", without a scheme.
            let source = dataSource.map { DestinationHeader(name: "Data-Source-UUID", value: $0) }
            return [token.map(authorization), source].compactMap(\.self)
        case .impact:
            guard let accountSID, let token else { return [] }
            return [authorization(BasicCredential.value(user: accountSID, password: token))]
        case .native, .vtex, .kevel, .webhook:
            return []
        }
    }
}
