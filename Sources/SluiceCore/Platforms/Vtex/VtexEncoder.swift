/// VTEX Ads' beacons as their client: one event in each `POST`.
///
/// An ad event goes to the path and query of its `ad.url`, byte for byte, because they are signed; of a
/// whole URL, as an ad's answer has it, scheme and host are left out. A purchase is a conversion with
/// prices per unit; a price that only the line's total tells is used where the division is exact. What other
/// platforms' words for the channel mean here, `VtexBody.channel` says. A conversion that came by VTEX Ads' own
/// protocol stays that of the publisher it names.
///
/// Email is required of conversions, but not of those that came from VTEX Ads' own, older clients.
///
/// Delivery thread only.
package final class VtexEncoder: PlatformEncoder {
    package let eventsPerRequestMax = 1

    private let writer: VtexBody
    private let reader = CanonicalReader()
    private let json: JSONScratch
    private var fields = EventFields()
    private var path = ByteBuffer(capacity: 512)
    private var body = ByteBuffer(capacity: 4_096)
    private var nowMilliseconds: Int64 = 0

    /// - Parameter publisherID: goes into every conversion that does not come from a publisher of VTEX Ads.
    package init(publisherID: String) {
        json = JSONScratch()
        writer = VtexBody(publisherID: publisherID, json: json)
    }

    package func takes(type: EventType, network: Bytes) -> Bool {
        switch type {
        case .impression, .viewableImpression, .click: network.equals(Platform.vtex.name)
        case .purchase: true
        case .pageView: false
        }
    }

    package func begin(now milliseconds: Int64) {
        nowMilliseconds = milliseconds
        path.removeAll()
        body.removeAll()
    }

    package func add(_ event: Bytes) -> EncodeResult {
        guard body.isEmpty else { return .full }
        do throws(CanonicalError) {
            try reader.parse(event, into: &fields)
        } catch {
            return .unfit("the stored event cannot be read: \(error.reason)")
        }
        guard let kind = VtexKind(fields.type) else { return .unfit("VTEX Ads has no \(fields.type.name) events") }
        return kind == .conversion ? addConversion() : addAd(kind)
    }

    package func finish(part: Int, into request: inout OutgoingRequest) {
        request.method = .post
        request.path.append(path.bytes)
        request.contentType = "application/json"
        request.body.append(body.bytes)
    }

    // MARK: ad events

    private func addAd(_ kind: VtexKind) -> EncodeResult {
        var missing: [String] = []
        if fields.text(.adURL)?.isEmpty ?? true { missing.append("ad.url") }
        if isAbsent(.userID), isAbsent(.sessionID) { missing += ["user.id", "session_id"] }
        guard missing.isEmpty, let url = fields.text(.adURL) else { return .missing(missing) }
        let target = VtexEncoder.target(of: url)
        let end = target.firstIndex(of: 0x3F) ?? target.count
        guard let beacon = VtexPath(target[0..<end]), VtexPath.isForwardable(target) else {
            return .unfit("ad.url is no beacon of VTEX Ads")
        }
        guard beacon.kind == kind else {
            return .unfit("ad.url is that of a \(beacon.kind.name), and the event is none")
        }
        path.append(target)
        writer.writeAd(fields, &body)
        return .added
    }

    /// Path and query of a URL; what begins with a slash is them already.
    private static func target(of url: Bytes) -> Bytes {
        for scheme in [StaticString("https://"), "http://"] where url.hasPrefix(scheme) {
            guard let slash = url.firstIndex(of: 0x2F, from: scheme.utf8CodeUnitCount) else { return .empty }
            return url[slash..<url.count]
        }
        return url
    }

    private func isAbsent(_ field: EventField) -> Bool { fields.text(field)?.isEmpty ?? true }

    // MARK: conversions

    private func addConversion() -> EncodeResult {
        var missing: [String] = []
        if VtexBody.userID(fields) == nil { missing.append("user.id") }
        if isAbsent(.orderID) { missing.append("order.id") }
        if fields.itemCount == 0 { missing.append("order.items") }
        if VtexBody.channel(fields) == nil { missing.append("order.channel") }
        if isAbsent(.sessionID) { missing.append("session_id") }
        if !VtexBody.isTheirs(fields), isAbsent(.userEmailSHA256) { missing.append("user.email_sha256") }
        for row in 0..<fields.itemCount {
            let sku = fields.itemText(row, .sku) ?? fields.itemText(row, .productID)
            if sku?.isEmpty ?? true { missing.append("order.items[\(row)].sku") }
            if UnitPrice.isMissing(row, fields), !fields.hasItem(row, .listPrice) {
                missing.append("order.items[\(row)].unit_price")
            }
        }
        guard missing.isEmpty else { return .missing(missing) }
        for row in 0..<fields.itemCount where !UnitPrice.isMissing(row, fields) {
            if let reason = UnitPrice.fault(row, fields) { return .unfit(reason) }
        }
        path.append("/v1/beacon/conversion")
        writer.writeConversion(fields, &body)
        return .added
    }

    // MARK: answers

    /// Exactly 202 is success, for VTEX Ads' own clients, too. Another 2xx does not come from VTEX Ads, but perhaps
    /// from something on the way: the event is sent again, and deduplication upstream keeps it from counting
    /// twice.
    package func classify(_ answer: UpstreamAnswer, eventCount: Int) -> Verdict {
        let words = answer.body.withBytes { VtexErrorText.read($0, json) }
        let reason = UpstreamRules.reason(answer, words: words)
        if answer.status == 202 { return words == nil ? .delivered : .rejected(reason: reason) }
        if (200..<300).contains(answer.status) || UpstreamRules.isTemporary(answer.status) {
            return .retry(
                afterSeconds: UpstreamRules.retryAfterSeconds(answer, now: nowMilliseconds), reason: reason)
        }
        return .rejected(reason: reason)
    }
}

/// Reads what VTEX Ads says is wrong: an array of Ajv's errors.
enum VtexErrorText {
    /// `/items/0/price must be number; …`, the first ten; nil when the body is something else.
    static func read(_ body: Bytes, _ json: JSONScratch) -> String? {
        var reader = JSONReader(body, scratch: json, depthMax: CoreLimits.canonicalDepthMax)
        do throws(JSONError) {
            guard try reader.peek() == .array else { return nil }
            var errors: [String] = []
            try reader.enterArray()
            while try reader.nextElement() {
                guard try reader.peek() == .object, errors.count < 10 else {
                    _ = try reader.skipValue()
                    continue
                }
                if let error = try readError(&reader, body) { errors.append(error) }
            }
            return errors.isEmpty ? nil : errors.joined(separator: "; ")
        } catch {
            return nil
        }
    }

    private static func readError(_ reader: inout JSONReader, _ body: Bytes) throws(JSONError) -> String? {
        var path = ""
        var message: String?
        try reader.enterObject()
        while let key = try reader.nextKey() {
            let isPath = key.equals("instancePath", in: body)
            guard isPath || key.equals("message", in: body), try reader.peek() == .string else {
                _ = try reader.skipValue()
                continue
            }
            let text = reader.decoded(try reader.string()).string
            if isPath { path = text } else { message = text }
        }
        guard let message else { return nil }
        return path.isEmpty ? message : "\(path) \(message)"
    }
}
