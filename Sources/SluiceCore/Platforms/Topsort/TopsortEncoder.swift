/// Topsort's event API, version 2, as its client: up to 50 events in each of four arrays of one
/// `POST /v2/events`, and only properties of its schema.
///
/// What becomes what: `ad.id` is `resolvedBidId`, unless the ad was served by another network;
/// `user.id`, or else `session_id`, is `opaqueUserId`; a purchase goes by its order's id, or else
/// by the event's. A price that only the line's total tells is used where the division is exact. A time in the future is sent as the time of receipt, because Topsort refuses
/// it. Optional parts the schema would refuse are left out; a required one that is missing or
/// refused rejects the event.
///
/// Upstream a request is atomic: one bad event, and none is recorded. So a refused request is sent
/// again in parts until the bad event stands alone.
///
/// Delivery thread only.
package final class TopsortEncoder: PlatformEncoder {
    package let eventsPerRequestMax = CoreLimits.topsortArrayMax * TopsortKind.allCases.count

    private let reader = CanonicalReader()
    private let json = JSONScratch()
    private var fields = EventFields()
    private var events = TopsortArrays()
    private var plans = LinePlans<EncodingPlan>()
    private let recorder = EncodingRecorder()
    private var nowMilliseconds: Int64 = 0
    /// The last answer that meant that everything was taken.
    private var lastSuccess: (status: Int, body: [UInt8]) = (0, [])

    package init() {}

    package func takes(type: EventType, network: Bytes) -> Bool {
        switch type {
        case .impression, .click: network.isEmpty || network.equals(Platform.topsort.name)
        case .purchase, .pageView: true
        case .viewableImpression: false
        }
    }

    package func begin(now milliseconds: Int64) {
        nowMilliseconds = milliseconds
        events.removeAll()
    }

    package func add(_ event: Bytes) -> EncodeResult {
        if let plan = plans.find(event), let kind = TopsortKind(rawValue: plan.tag) {
            guard events.count(kind) < CoreLimits.topsortArrayMax else { return .full }
            events.append(kind) { plan.write(event, now: nowMilliseconds, to: &$0) }
            return .added
        }
        return addWithoutPlan(event)
    }

    private func addWithoutPlan(_ event: Bytes) -> EncodeResult {
        do throws(CanonicalError) {
            try reader.parse(event, into: &fields)
        } catch {
            return .unfit("the stored event cannot be read: \(error.reason)")
        }
        guard let kind = TopsortEncoder.kind(of: fields.type) else {
            return .unfit("Topsort has no \(fields.type.name) events")
        }
        let missing = TopsortEncoder.missing(kind, fields)
        guard missing.isEmpty else { return .missing(missing) }
        if kind == .purchases, let reason = TopsortEncoder.unfitItems(fields) { return .unfit(reason) }
        guard events.count(kind) < CoreLimits.topsortArrayMax else { return .full }
        let isLearning = kind != .purchases && plans.wantsMore()
        events.append(kind) { out in
            let start = out.count
            if isLearning { recorder.begin(at: start) }
            let writer = TopsortEvent(
                json: json, nowMilliseconds: nowMilliseconds, recorder: isLearning ? recorder : nil)
            writer.write(kind, fields, &out)
            if isLearning { plans.add(plan(kind, event, out.bytes[start..<out.count])) }
        }
        return .added
    }

    /// Fields whose texts Topsort is never sent.
    private static let neverSent: [EventField] = [
        .userCustomerID, .userEmailSHA256, .userPhoneSHA256, .userTaxIDSHA256, .userFirstNameSHA256,
        .userLastNameSHA256, .userGender, .userRegion, .userCity, .userStatus, .adPlacementID, .adClickID, .adURL,
        .contextPageURL, .contextReferrer, .contextUserAgent, .contextIP, .contextLocationID,
    ]

    private func plan(_ kind: TopsortKind, _ line: Bytes, _ written: Bytes) -> EncodingPlan? {
        // Who has an id is not known by the session.
        let passedOver = TopsortEncoder.neverSent + (TopsortEncoder.isAbsent(.userID, fields) ? [] : [.sessionID])
        return recorder.plan(
            tag: kind.rawValue, line: line, written: written, fields, passedOver: passedOver, now: nowMilliseconds)
    }

    package func finish(part: Int, into request: inout OutgoingRequest) {
        request.method = .post
        request.path.append("/v2/events")
        request.contentType = "application/json"
        events.write(to: &request.body)
    }

    private static func kind(of type: EventType) -> TopsortKind? {
        switch type {
        case .impression: .impressions
        case .click: .clicks
        case .purchase: .purchases
        case .pageView: .pageviews
        case .viewableImpression: nil
        }
    }

    // MARK: what Topsort requires

    private static func missing(_ kind: TopsortKind, _ fields: borrowing EventFields) -> [String] {
        var missing: [String] = []
        if isAbsent(.id, fields) { missing.append("id") }
        if isAbsent(.userID, fields), isAbsent(.sessionID, fields) { missing.append("user.id") }
        if kind == .pageviews {
            if !fields.has(.pageType) { missing.append("page.type") }
            if !fields.has(.pageID) { missing.append("page.id") }
        }
        if kind == .purchases {
            if fields.itemCount == 0 { missing.append("order.items") }
            for row in 0..<fields.itemCount {
                if !fields.hasItem(row, .productID), !fields.hasItem(row, .sku) {
                    missing.append("order.items[\(row)].product_id")
                }
                if UnitPrice.isMissing(row, fields) { missing.append("order.items[\(row)].unit_price") }
            }
        }
        return missing
    }

    private static func isAbsent(_ field: EventField, _ fields: borrowing EventFields) -> Bool {
        fields.text(field)?.isEmpty ?? true
    }

    private static func unfitItems(_ fields: borrowing EventFields) -> String? {
        for row in 0..<fields.itemCount {
            if let reason = UnitPrice.fault(row, fields) { return reason }
            guard let price = UnitPrice.exact(row, fields), price.isPositive
            else { return "order.items[\(row)].unit_price must be greater than 0 for Topsort" }
            guard let text = fields.itemText(row, .quantity) else { continue }
            guard let quantity = try? ExactDecimal.parse(text), let whole = quantity.integer, whole >= 1,
                whole <= Int(CoreLimits.integerMax)
            else { return "order.items[\(row)].quantity must be a whole number of at least 1 for Topsort" }
        }
        return nil
    }

    // MARK: answers

    package func classify(_ answer: UpstreamAnswer, eventCount: Int) -> Verdict {
        // Nearly all answers say the same.
        if answer.status == lastSuccess.status, answer.body == lastSuccess.body { return .delivered }
        let words = answer.body.withBytes { TopsortErrorText.read($0, json) }
        // A success that names an error is none.
        if (200..<300).contains(answer.status), words == nil {
            lastSuccess = (answer.status, answer.body)
            return .delivered
        }
        let reason = UpstreamRules.reason(answer, words: words)
        if UpstreamRules.isTemporary(answer.status) {
            return .retry(
                afterSeconds: UpstreamRules.retryAfterSeconds(answer, now: nowMilliseconds), reason: reason)
        }
        return eventCount > 1 ? .split(reason: reason) : .rejected(reason: reason)
    }
}

/// The four arrays of one request under construction.
struct TopsortArrays: ~Copyable {
    private var impressions = ByteBuffer(capacity: 16_384)
    private var clicks = ByteBuffer(capacity: 16_384)
    private var purchases = ByteBuffer(capacity: 16_384)
    private var pageviews = ByteBuffer(capacity: 16_384)
    private var counts = InlineArray<4, Int>(repeating: 0)

    func count(_ kind: TopsortKind) -> Int { counts[Int(kind.rawValue)] }

    mutating func removeAll() {
        impressions.removeAll()
        clicks.removeAll()
        purchases.removeAll()
        pageviews.removeAll()
        counts = InlineArray(repeating: 0)
    }

    /// Lets `body` write one event to the end of an array.
    mutating func append(_ kind: TopsortKind, _ body: (inout ByteBuffer) -> Void) {
        let isFirst = count(kind) == 0
        switch kind {
        case .impressions: TopsortArrays.append(to: &impressions, isFirst, body)
        case .clicks: TopsortArrays.append(to: &clicks, isFirst, body)
        case .purchases: TopsortArrays.append(to: &purchases, isFirst, body)
        case .pageviews: TopsortArrays.append(to: &pageviews, isFirst, body)
        }
        counts[Int(kind.rawValue)] += 1
    }

    private static func append(to out: inout ByteBuffer, _ isFirst: Bool, _ body: (inout ByteBuffer) -> Void) {
        if !isFirst { out.append(0x2C) }
        body(&out)
    }

    /// Writes the request's body; empty arrays are left out.
    func write(to out: inout ByteBuffer) {
        out.append(0x7B)
        let start = out.count
        for kind in TopsortKind.allCases where count(kind) > 0 {
            if out.count > start { out.append(0x2C) }
            out.append(0x22)
            out.append(kind.name)
            out.append("\":[")
            switch kind {
            case .impressions: out.append(impressions.bytes)
            case .clicks: out.append(clicks.bytes)
            case .purchases: out.append(purchases.bytes)
            case .pageviews: out.append(pageviews.bytes)
            }
            out.append(0x5D)
        }
        out.append(0x7D)
    }
}
