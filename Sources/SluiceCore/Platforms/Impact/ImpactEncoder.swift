/// impact.com's conversion API as its client: one purchase in each `POST /Advertisers/{sid}/Conversions`,
/// as a form.
///
/// What becomes what: an order's fields and items go by their names; `ItemSubTotal` is the line's total, or
/// else unit price times quantity, exactly; a discount is told and never deducted here. The conversion
/// is attributed by `ad.click_id` (unless another network counted the click), `user.customer_id`, the
/// promotion code, or a key in `ext.impact`. An event that came from impact.com's own client keeps its
/// campaign and event type, unless its source has another account, where they mean something else; all others
/// get the destination's.
///
/// There is no idempotency key: a request that is sent again can count twice.
///
/// Delivery thread only.
package final class ImpactEncoder: PlatformEncoder {
    package let eventsPerRequestMax = 1

    private let accountSID: String
    private let otherAccounts: Set<[UInt8]>
    private let form: ImpactForm
    private let reader = CanonicalReader()
    private let json = JSONScratch()
    private var fields = EventFields()
    private var more: ImpactExtension
    private var body = ByteBuffer(capacity: 4_096)
    private var nowMilliseconds: Int64 = 0

    /// - Parameters:
    ///   - accountSID: names the account in the path.
    ///   - campaignID: the campaign of events that do not name theirs.
    ///   - eventTypeID: their event type.
    ///   - otherAccounts: names of sources that have another account at impact.com.
    package init(accountSID: String, campaignID: Int, eventTypeID: Int, otherAccounts: [String] = []) {
        self.accountSID = accountSID
        self.otherAccounts = Set(otherAccounts.map { Array($0.utf8) })
        form = ImpactForm(campaignID: campaignID, eventTypeID: eventTypeID)
        more = ImpactExtension(json: JSONScratch())
    }

    package func takes(type: EventType, network: Bytes) -> Bool { type == .purchase }

    package func begin(now milliseconds: Int64) {
        nowMilliseconds = milliseconds
        body.removeAll()
    }

    package func add(_ event: Bytes) -> EncodeResult {
        guard body.isEmpty else { return .full }
        do throws(CanonicalError) {
            try reader.parse(event, into: &fields)
        } catch {
            return .unfit("the stored event cannot be read: \(error.reason)")
        }
        guard fields.type == .purchase else { return .unfit("impact.com has no \(fields.type.name) events") }
        more.read(fields, leavesOut: isOfAnotherAccount ? ImpactName.accountMask : 0)
        let missing = ImpactEncoder.missing(fields, more)
        guard missing.isEmpty else { return .missing(missing) }
        if let reason = ImpactEncoder.unfit(fields) { return .unfit(reason) }
        do throws(ExactDecimalError) {
            try form.write(fields, more, &body)
        } catch {
            body.removeAll()
            return .unfit("a line's total cannot be computed: \(error.label)")
        }
        return .added
    }

    private var isOfAnotherAccount: Bool {
        guard !otherAccounts.isEmpty, let source = fields.text(.source) else { return false }
        return otherAccounts.contains(source.array)
    }

    package func finish(part: Int, into request: inout OutgoingRequest) {
        request.method = .post
        request.path.append("/Advertisers/")
        Array(accountSID.utf8).withBytes { request.path.appendPercentEncoded($0) }
        request.path.append("/Conversions")
        request.contentType = "application/x-www-form-urlencoded"
        request.headers.append("Accept: application/json")
        request.body.append(body.bytes)
    }

    // MARK: what impact.com requires

    private static func missing(
        _ fields: borrowing EventFields, _ more: borrowing ImpactExtension
    ) -> [String] {
        var missing: [String] = []
        if fields.text(.orderID)?.isEmpty ?? true { missing.append("order.id") }
        if !isAttributed(fields, more) { missing += ["ad.click_id", "user.customer_id", "order.promo_code"] }
        // Its own client may leave prices out.
        guard fields.text(.platform)?.equals(Platform.impact.name) != true else { return missing }
        for row in 0..<fields.itemCount
        where !fields.hasItem(row, .lineTotal) && !fields.hasItem(row, .unitPrice)
            && more.value(of: .price, number: row + 1) == nil
        {
            missing.append("order.items[\(row)].unit_price")
        }
        return missing
    }

    private static func isAttributed(
        _ fields: borrowing EventFields, _ more: borrowing ImpactExtension
    ) -> Bool {
        if more.places & ImpactName.attributionMask != 0 { return true }
        for (place, name) in ImpactName.all.enumerated() where name.isAttribution {
            if ImpactForm.value(at: place, fields) != nil { return true }
        }
        return false
    }

    /// Values that are longer than impact.com's own bounds.
    private static func unfit(_ fields: borrowing EventFields) -> String? {
        for place in ImpactName.all.indices {
            let name = ImpactName.all[place]
            guard case .characters(let max) = name.rule, let value = ImpactForm.value(at: place, fields),
                value.codePointCount > max,
                case .field(let field) = name.target
            else { continue }
            return "\(field.path) is longer than impact.com's \(max) characters"
        }
        return nil
    }

    // MARK: answers

    package func classify(_ answer: UpstreamAnswer, eventCount: Int) -> Verdict {
        let words = answer.body.withBytes { ImpactErrorText.read($0, json) }
        switch words {
        case .accepted where (200..<300).contains(answer.status): return .delivered
        case .error(let text) where (200..<300).contains(answer.status):
            return .rejected(reason: UpstreamRules.reason(answer, words: text))
        // A success in unknown words, or in none: the conversion may well count already, and sent again it would
        // count twice. What was answered is kept for whoever looks.
        case .unknown where (200..<300).contains(answer.status):
            return .deliveredNoting(UpstreamRules.reason(answer))
        default: break
        }
        var text: String?
        if case .error(let found) = words { text = found }
        let reason = UpstreamRules.reason(answer, words: text)
        // 402 and 405 say that the account or the address is wrong, not the event.
        if answer.status == 402 || answer.status == 405 || UpstreamRules.isTemporary(answer.status) {
            return .retry(
                afterSeconds: UpstreamRules.retryAfterSeconds(answer, now: nowMilliseconds), reason: reason)
        }
        return .rejected(reason: reason)
    }
}
