import SluiceCore

extension LoadTraffic {
    func gowit(_ random: inout SplitMix64, pad: Int) -> Draft {
        let marketplace = settings.account ?? "m-1"
        // Ad events have no id of their own; a request_id makes them ones that can be told apart.
        let common = """
            "request_id":"{{id}}","session_id":"\(Self.uuid(&random))",\
            "marketplace_id":"\(marketplace)","customer_id":"\(Self.uuid(&random))","time":"{{time}}"\(Self.note(&random, pad))
            """
        let body: String
        let type = drawType(&random)
        if type == .purchase {
            body = """
                {"event_type":"sale",\(common),"sales":[{"advertiser_id":"v-\(100 + random.next(below: 900))",\
                "product_id":"\(Self.product(&random))","unit_price":\(Self.price(&random)),\
                "quantity":\(1 + random.next(below: 3))}]}
                """
        } else {
            let name = type == .view ? "viewable_impression" : type == .click ? "click" : "impression"
            body = """
                {"event_type":"\(name)",\(common),"ad_id":"\(Self.uuid(&random))",\
                "placement_id":"\(10 + random.next(below: 90))"}
                """
        }
        var headers: [(name: String, value: String)] = []
        if let key = settings.key { headers.append(("Authorization", key)) }
        if let source = settings.dataSource { headers.append(("Data-Source-UUID", source)) }
        return Draft(path: path("/gowit/events"), headers: headers, body: body)
    }
}
