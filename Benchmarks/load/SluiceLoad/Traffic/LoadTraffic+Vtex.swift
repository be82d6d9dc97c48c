import SluiceCore

extension LoadTraffic {
    /// Ad events have no id in their body: that of the ad, in the path, is each event's own here.
    func vtex(_ random: inout SplitMix64, pad: Int) -> Draft {
        let publisher = settings.account ?? "pub-1"
        let type = drawType(&random)
        let session =
            "\"session_id\":\"\(Self.uuid(&random))\",\"user_id\":\"\(Self.uuid(&random))\"\(Self.note(&random, pad))"
        if type == .purchase {
            return Draft(
                path: path(prefix: "/vtex", "/v1/beacon/conversion"),
                body: """
                    {"publisher_id":"\(publisher)",\(session),"order_id":"{{id}}","created_at":"{{time}}",\
                    "channel":"ecommerce","email_hashed":"\(Self.hex(&random, 64))","is_company":false,\
                    "items":[{"sku":"\(Self.product(&random))","product_id":"\(Self.product(&random))",\
                    "quantity":\(1 + random.next(below: 3)),"price":\(Self.price(&random)),\
                    "promotional_price":\(Self.price(&random)),"seller_id":"v-\(100 + random.next(below: 900))"}]}
                    """)
        }
        let name = type == .impression ? "impression" : type == .view ? "view" : "click"
        return Draft(
            path: path(
                prefix: "/vtex",
                "/v1/beacon/\(name)/{{id}}?publisher_id=\(publisher)&campaign_id=c-\(10 + random.next(below: 90))"
                    + "&requested_at=1767323045000&sign=\(Self.hex(&random, 64))"),
            body: "{\(session)}")
    }
}
