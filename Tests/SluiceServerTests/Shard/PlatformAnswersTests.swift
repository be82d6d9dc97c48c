import Foundation
import SluiceCore
import SluiceServer
import Testing

/// Each platform's endpoint toward its own clients, over real sockets: content types, methods, success and
/// errors, as the platforms document them.
@Suite struct PlatformAnswersTests {
    private static func example(_ platform: Platform, _ kind: PlatformExample.Kind, _ title: String = "")
        -> PlatformExample
    {
        PlatformExample.all.first { $0.platform == platform && $0.kind == kind && $0.title.hasPrefix(title) }!
    }

    private static let json = [
        "application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8",
        "Application/JSON; charset=\"iso-8859-1\"; boundary=x", "application/json ; charset=utf8",
        "text/plain", "text/plain;charset=UTF-8",
    ]

    // MARK: content types

    @Test(arguments: [Platform.native, .topsort, .gowit, .vtex, .impact])
    func `JSON comes with any charset, and as text`(platform: Platform) throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let client = try rig.client()
        let example = Self.example(platform, .purchase, platform == .impact ? "conversion as JSON" : "")
        for type in Self.json {
            let answer = try client.ask(post(example.target, example.body, ["Content-Type: \(type)"]))
            #expect(answer.status == example.status, "\(type): \(answer.body)")
        }
        let bare = try client.ask(post(example.target, example.body))
        #expect(bare.status == example.status, "\(bare.body)")
    }

    @Test(arguments: [
        "application/x-www-form-urlencoded", "application/x-www-form-urlencoded;charset=UTF-8",
        "Application/X-WWW-Form-URLEncoded ; charset=utf-8",
    ])
    func `forms come with any charset`(type: String) throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let client = try rig.client()
        for example in [Self.example(.impact, .purchase), Self.example(.vtex, .ad, "click from")] {
            let answer = try client.ask(post(example.target, example.body, ["Content-Type: \(type)"]))
            #expect(answer.status == example.status, "\(answer.body)")
        }
    }

    @Test(arguments: [
        (Platform.topsort, "errCode"), (.gowit, "message"), (.vtex, "message"), (.impact, "\"Status\":\"ERROR\""),
    ])
    func `another content type is refused in the platform's form`(platform: Platform, part: String) throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let example = Self.example(platform, .purchase)
        let answer = try rig.client().ask(post(example.target, example.body, ["Content-Type: application/xml"]))
        #expect(answer.status == 415)
        #expect(answer.body.contains(part))
        #expect(answer.headers["content-type"]?.hasPrefix("application/json") == true)
        #expect(try rig.lines() == [])
    }

    // MARK: methods

    @Test(arguments: PlatformExample.all.indices)
    func `HEAD, OPTIONS and other methods change nothing`(index: Int) throws {
        let example = PlatformExample.all[index]
        let rig = try ShardRig()
        defer { rig.stop() }
        let client = try rig.client()
        let isGet = example.method == "GET"
        let allow =
            example.platform == .kevel ? "GET, HEAD, POST, OPTIONS" : isGet ? "GET, HEAD, OPTIONS" : "POST, OPTIONS"
        try client.send(request("HEAD", example.target))
        let head = try client.answer(isHead: true)
        if example.platform == .kevel || isGet {
            #expect((200..<300).contains(head.status), "HEAD: \(head.status)")
        } else {
            #expect(head.status == 405 && head.headers["allow"] == allow)
        }
        for method in ["PUT", "DELETE", "PATCH", "TRACE"] {
            let answer = try client.ask(request(method, example.target))
            #expect(answer.status == 405, "\(method)")
            #expect(answer.headers["allow"] == allow)
        }
        let options = try client.ask(request("OPTIONS", example.target))
        #expect(options.status == 204 && options.headers["allow"] == allow)
        #expect(try rig.lines() == [])
    }

    @Test(arguments: PlatformExample.all.indices)
    func `a browser may ask first`(index: Int) throws {
        let example = PlatformExample.all[index]
        let rig = try ShardRig()
        defer { rig.stop() }
        let client = try rig.client()
        let answer = try client.ask(
            request(
                "OPTIONS", example.target,
                [
                    "Origin: https://shop.example", "Access-Control-Request-Method: \(example.method)",
                    "Access-Control-Request-Headers: authorization, content-type, x-ua",
                ]))
        #expect(answer.status == 204)
        #expect(answer.headers["access-control-allow-origin"] == "https://shop.example")
        #expect(answer.headers["access-control-allow-methods"]?.contains(example.method) == true)
        let headers = answer.headers["access-control-allow-headers"] ?? ""
        for name in ["authorization", "content-type", "x-ua"] { #expect(headers.lowercased().contains(name)) }
        let sent = try client.ask(
            request(
                example.method, example.target,
                ["Origin: https://shop.example", "Content-Type: \(example.contentType)"],
                body: example.method == "GET" ? nil : example.body))
        #expect(sent.status == example.status)
        #expect(sent.headers["access-control-allow-origin"] == "https://shop.example")
    }

    // MARK: errors

    private func refused(
        _ target: String, _ body: String, _ headers: [String] = ["Content-Type: application/json"],
        method: String = "POST"
    ) throws -> EdgeClient.Answer {
        let rig = try ShardRig()
        defer { rig.stop() }
        let answer = try rig.client().ask(request(method, target, headers, body: method == "GET" ? nil : body))
        #expect(try rig.lines() == [], "a refused request leaves nothing in the log")
        return answer
    }

    private func object(_ answer: EdgeClient.Answer) throws -> [String: Any] {
        #expect(answer.headers["content-type"]?.hasPrefix("application/json") == true)
        return try #require(try JSONSerialization.jsonObject(with: Data(answer.body.utf8)) as? [String: Any])
    }

    @Test(arguments: [
        ("{", 400, "invalid_json", ""), ("", 400, "empty_request", ""), ("{}", 400, "empty_request", ""),
        (#"{"impressions":[],"clicks":[],"purchases":[]}"#, 400, "empty_request", ""),
        (#"{"clicks":[{"occurredAt":"2026-01-02T03:04:05Z","opaqueUserId":"u"}]}"#, 422, "", "clicks[0].id"),
        (#"{"clicks":[{"id":"i","opaqueUserId":"u"}]}"#, 422, "", "clicks[0].occurredAt"),
        (#"{"clicks":[{"id":7,"occurredAt":"2026-01-02T03:04:05Z","opaqueUserId":"u"}]}"#, 422, "", "clicks[0].id"),
        (
            #"{"purchases":[{"id":"o","occurredAt":"2026-01-02T03:04:05Z","opaqueUserId":"u","items":[]}]}"#, 400,
            "no_purchase_items", "purchases[0].items"
        ),
        (
            #"{"purchases":[{"id":"o","occurredAt":"2026-01-02T03:04:05Z","opaqueUserId":"u","items":[{"productId":"p","unitPrice":1,"quantity":0}]}]}"#,
            400, "purchase_item_quantity_less_or_equal_than_zero", "purchases[0].items[0].quantity"
        ),
    ])
    func `Topsort's errors have errCode, docUrl and message`(
        body: String, status: Int, code: String, field: String
    ) throws {
        let answer = try refused("/topsort/v2/events", body)
        #expect(answer.status == status)
        let error = try object(answer)
        #expect((error["errCode"] as? String)?.isEmpty == false)
        if !code.isEmpty { #expect(error["errCode"] as? String == code) }
        #expect((error["docUrl"] as? String)?.hasPrefix("https://") == true)
        let message = try #require(error["message"] as? String)
        #expect(field.isEmpty || message.contains(field), "\(message)")
    }

    @Test func `GoWit's errors name every failing field`() throws {
        let answer = try refused("/gowit/events", #"{"event_type":"click","ad_id":7}"#)
        #expect(answer.status == 400)
        let error = try object(answer)
        #expect(error["message"] is String)
        #expect(error["code"] is String)
        let details = try #require(error["details"] as? [String: String])
        #expect(Set(details.keys) == ["session_id", "marketplace_id", "ad_id"])
        let sale = try object(
            try refused(
                "/gowit/events",
                #"{"event_type":"sale","session_id":"s","marketplace_id":"m","sales":[{"quantity":0},{"advertiser_id":"v"}]}"#
            ))
        let items = try #require(sale["details"] as? [String: String])
        #expect(items.count >= 6, "\(items.keys.sorted())")
        for (query, field) in [("session_id=s&ad_id=a", "type"), ("type=click&session_id=s", "ad_id")] {
            let answer = try refused("/gowit/server/sdk/events?\(query)", "", [], method: "GET")
            #expect(answer.status == 400)
            #expect((try object(answer)["details"] as? [String: String])?.keys.contains(field) == true)
        }
    }

    @Test func `GoWit's redirect is not followed`() throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let target = "/gowit/server/sdk/events?type=click&session_id=s&ad_id=a&redirect=https%3A%2F%2Fevil.example"
        let answer = try rig.client().ask(request("GET", target))
        #expect(answer.status == 204)
        #expect(answer.headers["location"] == nil)
    }

    @Test func `VTEX's errors are Ajv's, all at once`() throws {
        func errors(_ target: String, _ body: String) throws -> [(String, String, String)] {
            let answer = try refused(target, body)
            #expect(answer.status == 422)
            #expect(answer.headers["content-type"]?.hasPrefix("application/json") == true)
            let list = try #require(
                try JSONSerialization.jsonObject(with: Data(answer.body.utf8)) as? [[String: Any]])
            return list.map { error in
                #expect(Set(error.keys) == ["instancePath", "keyword", "message", "params", "schemaPath"])
                return (
                    error["instancePath"] as? String ?? "?", error["keyword"] as? String ?? "?",
                    (error["params"] as? [String: Any])?["missingProperty"] as? String ?? ""
                )
            }
        }
        let neither = try errors("/vtex/v1/beacon/click/ad?sign=x", "{}")
        #expect(neither.map(\.1) == ["required", "required", "anyOf"])
        #expect(neither.map(\.2) == ["user_id", "session_id", ""])
        let empty = try errors("/vtex/v1/beacon/conversion", "{}")
        #expect(
            empty.map(\.2) == [
                "user_id", "order_id", "publisher_id", "items", "created_at", "channel", "session_id",
                "email_hashed",
            ])
        let body = Self.example(.vtex, .purchase).body.replacing("\"price\":15", with: "\"price\":\"15\"")
            .replacing("\"quantity\":2", with: "\"quantity\":null").replacing("\"user_id\":\"u-1\",", with: "")
        let mixed = try errors("/vtex/v1/beacon/conversion", body)
        #expect(mixed.contains { $0 == ("", "required", "user_id") })
        #expect(mixed.contains { $0.0 == "/items/0/price" && $0.1 == "type" })
        #expect(mixed.contains { $0.0 == "/items/0/quantity" && $0.1 == "type" })
    }

    @Test(arguments: [
        ("impression", "impression"), ("view", "view"), ("click", "click"),
    ])
    func `VTEX's answer says what will be processed`(kind: String, word: String) throws {
        let rig = try ShardRig()
        defer { rig.stop() }
        let answer = try rig.client().ask(post("/vtex/v1/beacon/\(kind)/ad?sign=x", #"{"user_id":"u"}"#))
        #expect(answer.status == 202)
        #expect(answer.body == "{\"messages\":[\"\(word) will be processed soon\"]}")
    }

    @Test(arguments: ["GET", "POST"])
    func `Kevel's errors are its two texts`(method: String) throws {
        let good = "userKey=u&productId=p&timestamp=2026-01-02T03:04:05Z&quantity=1&price=2"
        let missing = "required parameter missing: expected userKey, timestamp, productId, quantity and price"
        for name in ["userKey", "productId", "timestamp", "quantity", "price"] {
            let rest = good.split(separator: "&").filter { !$0.hasPrefix(name + "=") }.joined(separator: "&")
            let answer = try refused("/kevel/c/1/purchase?\(rest)", "", [], method: method)
            #expect(answer.status == 400 && answer.body == missing, "\(name): \(answer.body)")
            #expect(answer.headers["content-type"]?.hasPrefix("text/plain") == true)
        }
        let many = good + (1...100).map { "&userKey=k\($0)" }.joined()
        let answer = try refused("/kevel/c/1/purchase?\(many)", "", [], method: method)
        #expect(answer.status == 400 && answer.body == "maximum of 100 userKeys exceeded")
    }

    @Test func `impact's errors name every failing field`() throws {
        let form = ["Content-Type: application/x-www-form-urlencoded"]
        let answer = try refused("/impact/Advertisers/a/Conversions", "ItemSku2=x&OrderTax=much", form)
        #expect(answer.status == 400)
        let error = try object(answer)
        #expect(error["Status"] as? String == "ERROR")
        #expect(error["Message"] as? String == "Validation Failed")
        let errors = try #require(error["Errors"] as? [[String: String]])
        let fields = Set(errors.compactMap { $0["Field"] })
        #expect(errors.allSatisfy { $0["Message"]?.isEmpty == false })
        for name in ["CampaignId", "EventDate", "OrderId", "EventTypeId", "OrderTax"] {
            #expect(fields.contains(name), "\(name) is not among \(fields.sorted())")
        }
        #expect(fields.contains { $0.hasPrefix("Item") })
        #expect(fields.contains { ["ClickId", "CustomerId"].contains($0) })
    }

    // MARK: credentials

    @Test(arguments: [
        (Platform.native, "Bearer"), (.topsort, "Bearer"), (.gowit, "Bearer"), (.kevel, "Bearer"), (.impact, "Basic"),
    ])
    func `a wrong credential is a 401 in the platform's form`(platform: Platform, scheme: String) throws {
        var source = SourceSettings.keyed("shop", "key-1")
        source.accounts = [.gowit: "m-1", .kevel: "123", .impact: "IRsid1"]
        let rig = try ShardRig(sources: [source])
        defer { rig.stop() }
        let client = try rig.client()
        let example = Self.example(platform, .purchase)
        let target = example.target.replacing("/c/123/", with: "/c/999/")
        for authorization in [nil, "Bearer wrong", "Basic d3Jvbmc6d3Jvbmc=", "wrong", "Bearer", ""] {
            let headers =
                ["Content-Type: \(example.contentType)"] + (authorization.map { ["Authorization: \($0)"] } ?? [])
            let answer = try client.ask(
                request(example.method, target, headers, body: example.method == "GET" ? nil : example.body))
            #expect(answer.status == 401, "\(authorization ?? "none"): \(answer.status)")
            #expect(answer.headers["www-authenticate"]?.hasPrefix(scheme) == true)
            #expect(!answer.body.isEmpty)
            switch platform {
            case .topsort: #expect(answer.body.contains("\"errCode\":\"invalid_api_key\""))
            case .gowit: #expect(answer.body.contains("\"message\":"))
            case .impact: #expect(answer.body.contains("\"Status\":\"ERROR\""))
            default: break
            }
        }
        #expect(try rig.lines() == [])
    }
}
