import SluiceCore

// Conversions as advertisers' backends report them to impact.com.

extension TrafficMint {
    /// It names neither user, session, seller nor email; Kevel takes the customer for a user key.
    private static let impactFates = TrafficFates(
        topsort: .refused, gowit: .refused, vtex: .refused, kevel: .delivered, impact: .delivered)

    mutating func impact(_ accounts: TrafficAccounts, now: Int64) -> TrafficRequest {
        let id = TraceID(using: &random)
        let count = 1 + random.next(below: 3)
        var parameters = [
            ("CampaignId", "1000"), ("EventTypeId", "9876"), ("EventDate", pick(["NOW", time(now)])),
            ("OrderId", "\(id)"), ("CustomerId", user()), ("CurrencyCode", "EUR"),
            ("OrderPromoCode", "spring & \(random.next(below: 9))0%"),
        ]
        if chance(0.5) { parameters.append(("ClickId", "click-\(random.next())")) }
        let isForm = chance(0.7)
        // A form may repeat the names instead of numbering them; JSON has each name once.
        let isNumbered = !isForm || chance(0.7)
        let hasTotals = chance(0.5)
        for item in 0..<count {
            let number = isNumbered ? "\(item + 1)" : ""
            let quantity = 1 + random.next(below: 3)
            let cents = 50 + random.next(below: 19_950)
            // A total is a multiple of the quantity, so that a price for one can be told to other platforms.
            let amount = hasTotals ? cents * quantity : cents
            parameters += [
                ("ItemSku" + number, TrafficEvent.product(of: id, item: item)),
                ("ItemName" + number, searchWord()), ("ItemQuantity" + number, "\(quantity)"),
                ((hasTotals ? "ItemSubTotal" : "ItemPrice") + number, Self.decimal(cents: amount)),
            ]
        }
        let body =
            isForm
            ? PlainEscape.parameters(parameters, isForm: true)
            : "{" + parameters.map { "\"\($0)\":\(PlainJSON.quote($1))" }.joined(separator: ",") + "}"
        var conversion = impactRequest(
            accounts, body: body,
            contentType: isForm ? "application/x-www-form-urlencoded" : "application/json",
            events: [
                TrafficEvent(id: id, type: .purchase, form: .impact, items: count, fates: Self.impactFates)
            ],
            expectation: .taken)
        conversion.asksAfterwards = chance(0.3)
        return conversion
    }

    /// The question that follows a conversion: what the answer's `QueuedUri` tells.
    package func submission(_ uri: String, of conversion: TrafficRequest) -> TrafficRequest? {
        guard let accounts = target.accounts, let event = conversion.events.first else { return nil }
        return request(
            "GET", "/impact" + uri,
            headers: [
                (
                    "Authorization",
                    ImpactStandIn.credential(account: accounts.impactAccount, token: accounts.key)
                ), ("Accept", "application/json"),
            ], events: [], form: .impact, expectation: .told(order: "\(event.id)"))
    }

    private func impactRequest(
        _ accounts: TrafficAccounts, body: String, contentType: String, events: [TrafficEvent],
        expectation: TrafficExpectation
    ) -> TrafficRequest {
        request(
            "POST", "/impact/Advertisers/\(accounts.impactAccount)/Conversions",
            headers: [
                (
                    "Authorization",
                    ImpactStandIn.credential(account: accounts.impactAccount, token: accounts.key)
                ),
                ("Content-Type", contentType), ("Accept", "application/json"),
            ], body: body, events: events, form: .impact, expectation: expectation)
    }

    mutating func impactRefused(_ accounts: TrafficAccounts) -> TrafficRequest {
        let body = pick([
            "CampaignId=1000&EventTypeId=9876&EventDate=NOW&CustomerId=c",
            "CampaignId=1000&EventTypeId=9876&EventDate=NOW&OrderId=o",
            "CampaignId=x&EventTypeId=9876&EventDate=soon&OrderId=o&CustomerId=c",
            "CampaignId=1000&EventTypeId=9876&EventDate=NOW&OrderId=o&CustomerId=c&ItemSku2=b&ItemPrice2=1",
        ])
        return impactRequest(
            accounts, body: body, contentType: "application/x-www-form-urlencoded", events: [],
            expectation: .refused(statuses: [400]))
    }
}
