/// GoWit's server events, as their client: one event per request, posted to the destination's URL
/// itself, because the platform's documentation leaves the path open.
///
/// What becomes what: `ad.id` and `ad.ids` are `ad_id` and `ad_ids`; a purchase is a sale, each item
/// with `seller_id` as its `advertiser_id`. A sale is OFFLINE when `order.channel` says so, in GoWit's
/// word or one of those other platforms have, or when `context.channel` is `instore`; its customer is
/// then `user.customer_id`, else `user.id`. The marketplace is the event's own when it came by GoWit's
/// protocol, else the destination's. `time` is `occurred_at`. A price that only the line's total tells is used
/// where the division is exact.
///
/// An event that came by GoWit's protocol goes back as it came: what `ext.gowit` holds is put where
/// it was. Only the SDK's `redirect` and `no_redirect` stay behind, which mean nothing to the server
/// form. An event that came for several ads goes back as one for a list of its single ad, so that
/// whoever derives ids from `request_id` derives the same.
///
/// Delivery thread only.
package final class GowitEncoder: PlatformEncoder {
    package let eventsPerRequestMax = 1

    private let event: GowitEvent
    private let forwardsImpressions: Bool
    private let reader = CanonicalReader()
    private let json: JSONScratch
    private var fields = EventFields()
    private var body = ByteBuffer(capacity: 4_096)
    private var eventCount = 0
    private var nowMilliseconds: Int64 = 0

    /// - Parameters:
    ///   - marketplaceID: for events that bring none; empty when there is none, which rejects them.
    ///   - forwardsImpressions: false when GoWit records impressions itself (auto-impression), and must
    ///     not be sent any.
    package init(marketplaceID: String, forwardsImpressions: Bool = true) {
        json = JSONScratch()
        event = GowitEvent(marketplaceID: Array(marketplaceID.utf8), json: json)
        self.forwardsImpressions = forwardsImpressions
    }

    package func takes(type: EventType, network: Bytes) -> Bool {
        switch type {
        case .impression: forwardsImpressions && network.equals(Platform.gowit.name)
        case .viewableImpression, .click: network.equals(Platform.gowit.name)
        case .purchase: true
        case .pageView: false
        }
    }

    package func begin(now milliseconds: Int64) {
        nowMilliseconds = milliseconds
        eventCount = 0
        body.removeAll()
    }

    package func add(_ line: Bytes) -> EncodeResult {
        guard eventCount == 0 else { return .full }
        do throws(CanonicalError) {
            try reader.parse(line, into: &fields)
        } catch {
            return .unfit("the stored event cannot be read: \(error.reason)")
        }
        if fields.type == .pageView { return .unfit("GoWit has no page_view events") }
        if fields.type == .impression, !forwardsImpressions {
            return .unfit("GoWit records impressions itself: auto-impression is on")
        }
        if let network = fields.text(.network), fields.type != .purchase, !network.isEmpty,
            !network.equals(Platform.gowit.name)
        {
            return .unfit("the ad was served by \(network.string), not by GoWit")
        }
        let missing = event.missing(fields)
        guard missing.isEmpty else { return .missing(missing) }
        if let reason = event.unfitItems(fields) { return .unfit(reason) }
        event.write(fields, to: &body)
        eventCount = 1
        return .added
    }

    package func finish(part: Int, into request: inout OutgoingRequest) {
        request.method = .post
        request.contentType = "application/json"
        request.body.append(body.bytes)
    }

    package func classify(_ answer: UpstreamAnswer, eventCount: Int) -> Verdict {
        let isSuccess = (200..<300).contains(answer.status)
        // A message alone may be a friendly one; what only errors have makes it one, whatever the status.
        if isSuccess, !answer.body.withBytes({ GowitErrorText.isError($0, json) }) { return .delivered }
        let words = answer.body.withBytes { GowitErrorText.read($0, json) }
        let reason = UpstreamRules.reason(answer, words: words)
        if UpstreamRules.isTemporary(answer.status) {
            return .retry(
                afterSeconds: UpstreamRules.retryAfterSeconds(answer, now: nowMilliseconds), reason: reason)
        }
        return .rejected(reason: reason)
    }
}

/// Reads what GoWit says is wrong: `{"message","code","details"}`.
enum GowitErrorText {
    /// `message (field: text; …)`; nil when the body is something else.
    static func read(_ body: Bytes, _ json: JSONScratch) -> String? {
        var members = ExtensionMembers(object: body, scratch: json)
        var message: String?
        var code: String?
        var details: Bytes?
        while let member = members.next() {
            if member.kind == .string, member.name.equals("message") { message = text(member.value, json) }
            if member.kind == .string, member.name.equals("code") { code = text(member.value, json) }
            if member.kind == .object, member.name.equals("details") { details = member.value }
        }
        let fields = details.map { read(details: $0, json) } ?? []
        guard let words = message ?? code else {
            return fields.isEmpty ? nil : fields.joined(separator: "; ")
        }
        return fields.isEmpty ? words : "\(words) (\(fields.joined(separator: "; ")))"
    }

    /// Whether the body has a `code` in words or `details`, be they empty.
    static func isError(_ body: Bytes, _ json: JSONScratch) -> Bool {
        var members = ExtensionMembers(object: body, scratch: json)
        var isError = false
        while let member = members.next() {
            if member.kind == .string, member.name.equals("code") { isError = true }
            if member.kind != .null, member.name.equals("details") { isError = true }
        }
        return isError
    }

    private static func read(details: Bytes, _ json: JSONScratch) -> [String] {
        var list: [String] = []
        var members = ExtensionMembers(object: details, scratch: json)
        while let member = members.next(), list.count < 16 {
            let name = member.name.string
            if member.kind == .string, let words = text(member.value, json) {
                list.append("\(name): \(words)")
            }
        }
        return list
    }

    private static func text(_ value: Bytes, _ json: JSONScratch) -> String? {
        var out = ByteBuffer(capacity: 256)
        return out.appendDecoded(value, scratch: json) ? out.bytes.string : nil
    }
}
