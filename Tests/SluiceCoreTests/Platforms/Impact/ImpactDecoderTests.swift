import Foundation
import Testing

@testable import SluiceCore

@Suite struct ImpactDecoderTests {
    static let path = "/Advertisers/IRsid1/Conversions"
    static let form = "application/x-www-form-urlencoded"
    static let base = "CampaignId=1000&EventTypeId=9876&EventDate=NOW&OrderId=o&ClickId=c"

    private func send(_ body: String, contentType: String = form) -> DecoderHarness.Outcome {
        DecoderHarness.impact().send(body, path: Self.path, contentType: contentType)
    }

    private func fields(_ outcome: DecoderHarness.Outcome) -> [String] {
        #expect(outcome.status == 400)
        #expect(text(outcome.answer, "Status") == "ERROR")
        #expect(text(outcome.answer, "Message") == "Validation Failed")
        return (member(outcome.answer, "Errors") as? [[String: Any]] ?? []).compactMap { $0["Field"] as? String }
    }

    @Test func answersWithThePlaceOfTheSubmission() {
        let outcome = send(Self.base)
        let id = text(outcome.lines[0], "id") ?? ""
        #expect(UUID(uuidString: id) != nil)
        #expect(
            outcome.answer == "{\"Status\":\"QUEUED\",\"QueuedUri\":\"/Advertisers/IRsid1/APISubmissions/A-\(id)\"}")
        #expect(text(outcome.lines[0], "occurred_at") == text(outcome.lines[0], "received_at"))
        #expect(text(outcome.lines[0], "ext.impact.CampaignId") == "1000")
    }

    @Test func namesAllThatIsMissing() {
        #expect(fields(send("Foo=1")) == ["CampaignId", "EventDate", "OrderId", "EventTypeId", "ClickId"])
        #expect(
            fields(send("{}", contentType: "application/json")) == [
                "CampaignId", "EventDate", "OrderId", "EventTypeId", "ClickId",
            ])
    }

    @Test(arguments: [
        "CustomerId", "CustomProfileId", "OrderPromoCode", "PromoCode", "MediaId", "MediaPartnerId", "UniqueUrl",
        "CallerId", "GoogAId",
        "AndroidId", "AppleIfa", "AppleIfv",
    ])
    func oneAttributionKeyIsEnough(_ key: String) {
        let body = Self.base.replacingOccurrences(of: "ClickId=c", with: "")
        #expect(send("\(body)\(key)=k").status == 200)
        #expect(fields(send("\(body)\(key)=")) == ["ClickId"])
    }

    @Test(arguments: [
        ("&OrderTax=x", "OrderTax"), ("&OrderTax=-1", "OrderTax"), ("&OrderTax=1e9999999999", "OrderTax"),
        ("&OrderTax=1,5", "OrderTax"),
        ("&MediaId=1&MediaPartnerId=2", "MediaPartnerId"), ("&ItemSku2=b", "ItemSku1"),
        ("&ItemPrice1=1&ItemSubTotal1=1", "ItemSubTotal1"),
        ("&ItemPrice=1&ItemPrice1=2", "ItemPrice1"), ("&ItemQuantity1=0", "ItemQuantity1"),
        ("&ItemSku1001=b", "ItemSku"),
        ("&ItemSku99999999999999999999=b", "ItemSku"), ("&OrderId=2", "OrderId"), ("&Foo=1&Foo=2", "Foo"),
        ("&Foo=%00", "Foo"),
        ("&CustomerCity=%00", "CustomerCity"), ("&Foo=%ff", "Foo"), ("&Foo=%4", "Foo"),
        ("&CurrencyCode=12E", "CurrencyCode"),
        ("&CustomerEmail=x", "CustomerEmail"), ("&IpAddress=1.2.3", "IpAddress"),
        ("&ItemName1=\(String(repeating: "x", count: 1_025))", "ItemName1"),
    ])
    func namesEachFault(_ more: String, _ field: String) { #expect(fields(send(Self.base + more)) == [field]) }

    /// A value that no form can hold is wrong, once, and not missing as well.
    @Test func wrongValuesAreNamedOnce() {
        func json(_ members: String) -> [String] { fields(send("{\(members)}", contentType: "application/json")) }
        #expect(
            json(
                #""CampaignId":[],"EventTypeCode":{},"EventDate":[1],"Oid":{},"PromoCode":[],"ItemSku2":{},"ItemSku1":"a""#
            )
                == ["CampaignId", "EventTypeCode", "EventDate", "Oid", "PromoCode", "ItemSku2"])
        #expect(json(#""CampaignId":1,"EventTypeId":1,"EventDate":"NOW","OrderId":"o","ClickId":null"#) == ["ClickId"])
    }

    /// An item without a quantity is one piece for everybody, and goes back without one.
    @Test func quantitiesLeftOutAreKeptAsSuch() {
        let line = send(Self.base + "&ItemSku1=a&ItemSku2=b&ItemQuantity2=1&ItemSku3=c").lines[0]
        #expect(line.contains(#"{"sku":"a","quantity":1}"#))
        #expect(line.contains(#""ItemQuantity":[null,1,null]"#))
        #expect(!send(Self.base + "&ItemSku1=a&ItemQuantity1=1").lines[0].contains("ItemQuantity"))
    }

    /// The source says what becomes of addresses.
    @Test(
        arguments: [(AddressPolicy.truncate, "203.0.113.0"), (.full, "203.0.113.77"), (.drop, nil)]
            as [(AddressPolicy, String?)])
    func addresses(_ policy: AddressPolicy, _ expected: String?) {
        let decoder = ImpactDecoder()
        let block = OpenBlock(capacity: 1_024)
        var answer = PlatformAnswer()
        [Self.path, Self.base + "&IpAddress=203.0.113.77"].withAllBytes { parts in
            var origin = RequestOrigin(receivedMilliseconds: 1, sourceName: Bytes("s"), sourceHash: 1)
            origin.addressPolicy = policy
            _ = decoder.decode(
                PlatformRequest(
                    method: .post, path: parts[0], query: .empty, contentType: .empty, body: parts[1], origin: origin),
                into: block, answer: &answer)
        }
        #expect(block.eventCount == 1)
        #expect(text(block.payload.bytes.string, "context.ip") == expected)
    }

    @Test func lengthsAreCharacters() {
        let id = String(repeating: "é", count: 64).addingPercentEncoding(withAllowedCharacters: .alphanumerics)!
        let body = Self.base.replacingOccurrences(of: "OrderId=o", with: "OrderId=\(id)")
        #expect(send(body).status == 200)
        #expect(fields(send(body.replacingOccurrences(of: "OrderId=", with: "OrderId=x"))) == ["OrderId"])
    }

    @Test(arguments: [("OrderId", 64), ("ClickId", 64), ("CustomerId", 255)])
    func lengths(_ name: String, _ max: Int) {
        let body = Self.base.split(separator: "&").filter { !$0.hasPrefix("\(name)=") }.joined(separator: "&")
        #expect(send("\(body)&\(name)=\(String(repeating: "x", count: max))").status == 200)
        #expect(fields(send("\(body)&\(name)=\(String(repeating: "x", count: max + 1))")) == [name])
    }

    @Test func aThousandItemsWithEverything() {
        var body = Self.base
        for number in 1...1_000 {
            body +=
                "&ItemSku\(number)=s&ItemSubTotal\(number)=10&ItemQuantity\(number)=4&ItemMpn\(number)=m&ItemPromoCode\(number)=p"
        }
        let outcome = send(body)
        #expect(outcome.status == 200)
        #expect((member(outcome.lines[0], "order.items") as? [Any])?.count == 1_000)
        #expect(outcome.lines[0].contains(#""unit_price":2.5"#))
    }

    @Test(
        arguments: [
            ("10", "4", "2.5"), ("10.00", "3", nil), ("0.01", "0.1", "0.1"), ("0", "7", "0"), ("1e40", "1e-1", nil),
        ] as [(String, String, String?)])
    func dividesExactlyOrNotAtAll(_ total: String, _ quantity: String, _ price: String?) {
        let line = send("\(Self.base)&ItemSubTotal1=\(total)&ItemQuantity1=\(quantity)").lines[0]
        #expect(line.contains("\"unit_price\":") == (price != nil))
        if let price { #expect(line.contains("\"unit_price\":\(price),")) }
        #expect(line.contains("\"line_total\":\(total)}"))
    }

    @Test func personalDataIsHashed() {
        let line = send(Self.base + "&CustomerEmail=+Jane%40Example.com&IpAddress=203.0.113.77").lines[0]
        #expect(!line.lowercased().contains("jane"))
        #expect(text(line, "context.ip") == "203.0.113.0")
        #expect(text(line, "user.email_sha256")?.count == 64)
    }

    @Test(arguments: [
        "/Advertisers/IRsid1/Conversions/", "/Advertisers//Conversions", "/Advertisers/a%20b/Conversions",
        "/Advertisers/a/b/Conversions", "/Conversions", "/Advertisers/Conversions",
    ])
    func otherPaths(_ path: String) {
        #expect(DecoderHarness.impact().send(Self.base, path: path, contentType: Self.form).status == 404)
    }

    @Test func refusesInItsForm() {
        for problem in [
            EdgeProblem.unauthorized, .notFound, .methodNotAllowed, .unsupportedMediaType,
            .unavailable(retryAfterSeconds: 2),
        ] {
            var answer = PlatformAnswer()
            ImpactDecoder().refuse(problem, answer: &answer)
            let status = answer.status
            #expect(status == problem.status)
            #expect(text(answer.body.bytes.string, "Status") == "ERROR")
            #expect(text(answer.body.bytes.string, "Message")?.isEmpty == false)
        }
    }
}
