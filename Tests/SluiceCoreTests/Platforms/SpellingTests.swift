import Foundation
import Testing

@testable import SluiceCore

/// Whatever is said, an escape more or less in how it is written changes nothing.
///
/// A text without escapes is taken where it lies, one with escapes is decoded and looked at by the rules: so this
/// holds the ways of usual values against those of all, also for values that are wrong.
@Suite struct SpellingTests {
    private static let form = "application/x-www-form-urlencoded"
    private static let hash = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"

    struct Sample: Sendable {
        let name: String
        let path: String
        let isForm: Bool
        let bodies: [String]
    }

    static let samples = [
        Sample(
            name: "kevel", path: "/c/123/purchase", isForm: true,
            bodies: [
                "userKey=u-1&productId=p-7&timestamp=1767348000123&quantity=2&price=12.50&transactionId=o-1&merchantId=v-3",
                "userKey=a&userKey=b&productId=p&timestamp=2026-01-02T10:00:00.000Z&quantity=1&price=0&color=red&color=blue&ltvValue=1.5",
            ]),
        Sample(
            name: "impact", path: "/Advertisers/IRsid1/Conversions", isForm: true,
            bodies: [
                "CampaignId=1000&EventTypeId=9876&EventDate=2026-01-02T10%3A00%3A00Z&OrderId=o-1&ClickId=ck-1&CustomerId=c-9&CurrencyCode=EUR&OrderPromoCode=SAVE&ItemSku1=sku-1&ItemQuantity1=3&ItemSubTotal1=30.00&ItemSku2=sku-2&ItemQuantity2=1&ItemSubTotal2=9.90",
                "CampaignId=1&ActionTrackerId=2&EventDate=NOW&Oid=o&CustomerEmail=\(hash)&PromoCode=P&Currency=usd&ItemSku=a&ItemSku=b&ItemPrice1=2&ItemQuantity2=7&ItemSubTotal2=10&ItemMpn2=m&ItemDiscount1=-1&Text1=x&OrderDiscount=-5&CustomerCity=Rome&ItemTotalDiscount2=1.25",
            ]),
        Sample(
            name: "vtex form", path: "/v1/beacon/conversion", isForm: true,
            bodies: [
                "publisher_id=p&user_id=u&session_id=s&order_id=o&created_at=2026-01-02T10:00:00Z&channel=app&email_hashed=\(hash)&items[0][sku]=a&items[0][quantity]=2&items[0][price]=3.5&is_company=true"
            ]),
        Sample(
            name: "vtex", path: "/v1/beacon/conversion", isForm: false,
            bodies: [
                #"{"publisher_id":"pub-1","user_id":"u-1","session_id":"s-1","order_id":"o-1","created_at":"2026-01-02T10:00:00Z","channel":"ecommerce","email_hashed":"\#(hash)","items":[{"sku":"sku-1","quantity":2,"price":7.50,"promotional_price":9.90,"seller_id":"v","product_id":"p"},{"product_sku":"x","quantity":1,"price":1.99}],"gender":"F","more":["a"],"phone_hashed":null}"#
            ]),
        Sample(
            name: "gowit", path: "/events", isForm: false,
            bodies: [
                #"{"event_type":"click","session_id":"s-1","marketplace_id":"m-1","ad_id":"YWQtMTIz=","placement_id":"pl-1","customer_id":"c-1","location_id":"l-1","request_id":"r-1","time":"2026-01-02T10:00:00Z"}"#,
                #"{"event_type":"sale","marketplace_uuid":7,"session_id":"s","channel":"ONLINE","sale_date":1767348000,"request_id":"r","sales":[{"advertiser_id":"a","product_id":"p","unit_price":1.5,"quantity":2,"brand":"b","retailer_taxonomy":["x"]}],"email":"a@example.org"}"#,
                #"{"event_type":"impression","session_id":"s","marketplace_id":"m","ad_ids":["a","b"],"request_id":"r","time":"1767348000123","location_id":"","customer_id":null}"#,
            ]),
    ]

    private static func harness(_ name: String) -> DecoderHarness {
        switch name {
        case "kevel": DecoderHarness(KevelDecoder(identifiers: UUIDv7Generator(seed: 1)))
        case "impact": DecoderHarness(ImpactDecoder(identifiers: UUIDv7Generator(seed: 1)))
        case "gowit": DecoderHarness(GowitDecoder(identifiers: UUIDv7Generator(seed: 1)))
        default: DecoderHarness(VtexDecoder(directory: nil, identifiers: UUIDv7Generator(seed: 1)))
        }
    }

    @Test(arguments: samples.indices) func `escapes change nothing`(index: Int) {
        let sample = SpellingTests.samples[index]
        let plain = SpellingTests.harness(sample.name)
        let escaped = SpellingTests.harness(sample.name)
        let type = sample.isForm ? SpellingTests.form : "application/json"
        var random = SplitMix64(seed: 3)
        var accepted = 0
        for round in 0..<3_000 {
            var body = Array(sample.bodies[round % sample.bodies.count].utf8)
            if round >= sample.bodies.count { SpellingTests.mutate(&body, isForm: sample.isForm, &random) }
            let other = sample.isForm ? SpellingTests.escapedForm(body) : SpellingTests.escapedJSON(body)
            let left = plain.send(body, path: sample.path, contentType: type)
            let right = escaped.send(other, path: sample.path, contentType: type)
            accepted += left.result.accepted
            let text = String(decoding: body, as: UTF8.self)
            // A place in the text is another one there.
            let isSyntax = left.answer.contains("at byte") && right.answer.contains("at byte")
            #expect(left.status == right.status, "\(text)")
            #expect(left.answer == right.answer || isSyntax, "\(text)")
            #expect(left.lines.count == right.lines.count, "\(text)")
            for (one, two) in zip(left.lines, right.lines) where one != two {
                // What is kept as it was written is written otherwise.
                #expect(SpellingTests.content(one) == SpellingTests.content(two), "\(text)")
            }
        }
        #expect(accepted > 100)
    }

    private static func content(_ line: String) -> NSDictionary? {
        (try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? NSDictionary
    }

    private static func mutate(_ body: inout [UInt8], isForm: Bool, _ random: inout SplitMix64) {
        let separator: UInt8 = isForm ? 0x26 : 0x2C
        let alphabet = Array("aZ01.-=:T e_{}[]\"".utf8) + (isForm ? Array("%+&\\".utf8) : [0x2C])
        for _ in 0..<1 + random.next(below: 3) {
            let place = random.next(below: body.count)
            switch random.next(below: 5) {
            case 0: body[place] = alphabet[random.next(below: alphabet.count)]
            case 1: body.insert(alphabet[random.next(below: alphabet.count)], at: place)
            case 2: body.removeSubrange(place..<min(body.count - 1, place + random.next(below: 4)))
            case 3:
                // A parameter is left out, or comes twice.
                var parts = body.split(separator: separator, omittingEmptySubsequences: false).map(Array.init)
                let one = random.next(below: parts.count)
                if random.next() & 1 == 0 { parts.append(parts[one]) } else { parts.remove(at: one) }
                if !parts.isEmpty { body = Array(parts.joined(separator: [separator])) }
            default:
                let digits = Array(String(random.next() % 100).utf8)
                body.insert(contentsOf: digits, at: place)
            }
            if body.isEmpty { body = [0x61] }
        }
    }

    private static func isWord(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26 }

    private static func hex(_ byte: UInt8) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        return [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }

    /// The first letter or digit of each name and value becomes an escape.
    private static func escapedForm(_ body: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        var isFirst = true
        var isName = true
        for byte in body {
            if isFirst, isWord(byte) { out += [0x25] + hex(byte) } else { out.append(byte) }
            isFirst = byte == 0x26 || (byte == 0x3D && isName)
            if byte == 0x26 { isName = true } else if byte == 0x3D { isName = false }
        }
        return out
    }

    /// The first letter or digit of each string becomes an escape.
    private static func escapedJSON(_ body: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        var isInString = false
        var isFirst = false
        for byte in body {
            if byte == 0x22 { isInString.toggle() }
            if isFirst, isWord(byte) { out += Array("\\u00".utf8) + hex(byte) } else { out.append(byte) }
            isFirst = byte == 0x22 && isInString
        }
        return out
    }
}
