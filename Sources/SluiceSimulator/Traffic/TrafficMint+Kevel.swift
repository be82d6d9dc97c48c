import SluiceCore

// Purchases as they are reported to Kevel: one line item a call.

extension TrafficMint {
    /// It names neither session, seller nor email, and nothing that impact.com could attribute it to. Its
    /// first user key is a user's id to Topsort.
    private static let kevelFates = TrafficFates(
        topsort: .delivered, gowit: .refused, vtex: .refused, kevel: .delivered, impact: .refused)

    mutating func kevel(_ accounts: TrafficAccounts, now: Int64) -> TrafficRequest {
        let id = TraceID(using: &random)
        let moment = now - Int64(random.next(below: 2000))
        var parameters = [("userKey", user())]
        if chance(0.3) { parameters.append(("userKey", "k \(random.next(below: 1000))&+é")) }
        parameters += [
            ("productId", TrafficEvent.product(of: id, item: 0)),
            ("timestamp", pick([PlainTime.text(moment), "\(moment)", "\(moment / 1000)"])),
            ("quantity", "\(1 + random.next(below: 3))"), ("price", price()), ("transactionId", "\(id)"),
        ]
        if chance(0.2) { parameters += [("ltvQuantity", "7"), ("ltvValue", "310.5")] }
        let query = PlainEscape.parameters(parameters, isForm: false)
        return request(
            pick(["GET", "POST"]), "/kevel/c/\(accounts.kevelNetwork)/purchase?" + query,
            events: [TrafficEvent(id: id, type: .purchase, form: .kevel, items: 1, fates: Self.kevelFates)],
            form: .kevel)
    }

    mutating func kevelRefused(_ accounts: TrafficAccounts) -> TrafficRequest {
        let good = "productId=p&timestamp=2026-01-02T03:04:05Z&quantity=1&price=2"
        let query = pick([
            good, "userKey=u&productId=p&quantity=1&price=2",
            good + (0...100).map { "&userKey=k\($0)" }.joined(),
        ])
        return request(
            "GET", "/kevel/c/\(accounts.kevelNetwork)/purchase?" + query, events: [], form: .kevel,
            expectation: .refused(statuses: [400]))
    }
}
