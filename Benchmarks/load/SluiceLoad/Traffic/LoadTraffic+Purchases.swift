import Foundation
import SluiceCore

// The platforms that know purchases only.

extension LoadTraffic {
    /// One line item a call, all of it in the query.
    func kevel(_ random: inout SplitMix64, pad: Int) -> Draft {
        let query = """
            userKey=\(Self.uuid(&random))&merchantId=v\(Self.filler(&random, pad))&productId=\(Self.product(&random))\
            &timestamp={{time}}&quantity=\(1 + random.next(below: 3))&price=\(Self.price(&random))&transactionId={{id}}
            """
        return Draft(
            method: "GET", path: path(prefix: "/kevel", "/c/\(settings.account ?? "123")/purchase?\(query)"),
            contentType: nil)
    }

    func impact(_ random: inout SplitMix64, pad: Int) -> Draft {
        let account = settings.account ?? "IRsid1"
        let body = """
            CampaignId=1000&EventTypeId=9876&EventDate={{time}}&OrderId={{id}}\
            &ClickId=\(Self.filler(&random, 32))&CustomerId=\(Self.uuid(&random))&CurrencyCode=EUR\
            &ItemSku1=\(Self.product(&random))&ItemQuantity1=\(1 + random.next(below: 3))\
            &ItemSubTotal1=\(Self.price(&random))&Note=\(Self.filler(&random, 1 + pad))
            """
        var headers: [(name: String, value: String)] = [("Accept", "application/json")]
        if let key = settings.key {
            headers.append(("Authorization", "Basic \(Data("\(account):\(key)".utf8).base64EncodedString())"))
        }
        return Draft(
            path: path(prefix: "/impact", "/Advertisers/\(account)/Conversions"),
            contentType: "application/x-www-form-urlencoded", headers: headers, body: body)
    }
}
