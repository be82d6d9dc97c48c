import Foundation
import SluiceServer
import SluiceSimulator
import Testing

/// Nobody's name, address or number is ever kept in the clear: not in the log, not in the state, not in
/// figures, not in the gateway's own log lines, and it reaches no platform.
@Suite(.serialized) struct PersonalDataTests {
    private static let email = " Ada.Lovelace+Secret@Shop-Mail.Example "
    private static let phone = "+1 (555) 123-4567"
    private static let taxID = "123.456.789-09"
    private static let firstName = "Adalbertina  Quentine"
    private static let lastName = "Lovelacewicz"

    /// As they came and as they are normalized, in lower case, whole and in their telling parts.
    private static let needles = [
        "ada.lovelace", "shop-mail.example", "shop-mail%2eexample", "555) 123", "5551234567", "555-1234567",
        "123.456.789", "12345678909", "adalbertina", "quentine", "lovelacewicz",
    ]

    /// Which of the needles lie in the bytes, whatever the case.
    private func found(in bytes: [UInt8]) -> [String] {
        let text = String(decoding: bytes.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }, as: Unicode.ASCII.self)
        return Self.needles.filter { text.contains($0) }
    }

    private func expectNothing(_ bytes: [UInt8], in place: String) {
        #expect(found(in: bytes) == [], "in \(place)")
    }

    private static func person(_ suffix: String = "") -> String {
        """
        "email\(suffix)":"\(email)","phone\(suffix)":"\(phone)","tax_id\(suffix)":"\(taxID)",\
        "first_name\(suffix)":"\(firstName)","last_name\(suffix)":"\(lastName)"
        """
    }

    private static func purchase(_ id: String, person: String, more: String = "") -> String {
        """
        {"type":"purchase","id":"\(id)","session_id":"s","user":{"id":"u","customer_id":"c",\(person)},\
        "order":{"id":"\(id)","channel":"ecommerce","currency":"EUR","items":[{"product_id":"p","sku":"p",\
        "seller_id":"v","quantity":1,"unit_price":9.99}]}\(more)}
        """
    }

    /// Sends what a person's data may be in, well and badly formed; how many events were taken.
    private func send(_ gateway: TestGateway) throws -> Int {
        let client = try gateway.client()
        let key = gateway.cast.sourceKey
        var taken = 0
        func native(_ body: String, status: Int, key: String = key) throws {
            let answer = try client.request(
                "POST", "/v1/events",
                headers: [("Authorization", "Bearer \(key)"), ("Content-Type", "application/json")],
                body: Array(body.utf8))
            #expect(answer.status == status, "\(answer.text)")
            taken += Int(PlainJSON(answer.body)?["accepted"]?.integer ?? 0)
        }
        let good = Self.purchase("good", person: Self.person())
        #expect(Set(found(in: Array(good.utf8))).count >= 6, "the search finds what is there")
        try native(good, status: 202)
        // Where a hash belongs.
        try native(Self.purchase("hash", person: Self.person("_sha256")), status: 400)
        // One that every platform rejects or refuses for something else.
        try native(
            #"{"type":"purchase","id":"bare","user":{\#(Self.person())},"order":{"id":"o","items":[]}}"#, status: 400)
        try native(
            #"{"type":"purchase","id":"poor","user":{\#(Self.person())},"order":{"id":"o","items":[{"product_id":"p","quantity":1,"unit_price":1}]}}"#,
            status: 202)
        try native(#"{"type":"page_view","id":"view","user":{\#(Self.person())}}"#, status: 202)
        // Refused as a whole, at various depths.
        try native(String(good.dropLast()), status: 400)
        try native("[\(good),", status: 400)
        try native(
            Self.purchase("type", person: #""email":["\#(Self.email)"],"first_name":{"x":"\#(Self.firstName)"}"#),
            status: 400)
        try native(Self.purchase("twice", person: Self.person() + "," + Self.person()), status: 400)
        try native(
            Self.purchase(
                "bad",
                person:
                    #""email":"Ada.Lovelace at home","phone":"555-1234567","tax_id":"","first_name":" ","last_name":"\#(Self.lastName)""#
            ), status: 400)
        try native(good, status: 401, key: "Ada.Lovelace@Shop-Mail.Example")
        let query =
            "type=click&id=pixel&user.id=u&ad.id=a&user.email=Ada.Lovelace%40Shop-Mail.Example&user.first_name=Adalbertina"
        #expect(try client.request("GET", "/v1/pixel.gif?\(query)&key=\(key)").status == 200)
        taken += 1
        _ = try client.request("GET", "/v1/pixel.gif?\(query)&type=Lovelacewicz&key=\(key)")
        _ = try client.request("GET", "/nowhere/Ada.Lovelace@Shop-Mail.Example?Adalbertina")

        // Fields that must be hashes already: refused, not kept.
        for (name, value) in [
            ("email_hashed", Self.email), ("phone_hashed", Self.phone), ("social_id_hashed", Self.taxID),
            ("first_name_hashed", Self.firstName), ("last_name_hashed", Self.lastName),
        ] {
            let conversion = try #require(PlatformExample.all.first { $0.platform == .vtex && $0.kind == .purchase })
            let member = "\"\(name)\":\"\(value)\""
            let body =
                name == "email_hashed"
                ? conversion.body.replacing(/"email_hashed":"[^"]*"/, with: member)
                : conversion.body.replacing("\"channel\":", with: member + ",\"channel\":")
            let answer = try client.request(
                "POST", conversion.target, headers: [("Content-Type", "application/json")], body: Array(body.utf8))
            #expect(answer.status == 422, "\(name): \(answer.text)")
        }
        let impact = try #require(PlatformExample.all.first { $0.platform == .impact })
        let form = impact.body + "&CustomerEmail=Ada.Lovelace%40Shop-Mail.Example"
        let answer = try client.request(
            "POST", impact.target,
            headers: PlatformWalk.credential(.impact, key) + [("Content-Type", impact.contentType)],
            body: Array(form.utf8))
        #expect(answer.status == 200, "\(answer.text)")
        return taken + 1
    }

    private func files(of folder: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: folder).map { folder + "/" + $0 }.filter {
            let type = try FileManager.default.attributesOfItem(atPath: $0)[.type] as? FileAttributeType
            return type == .typeRegular
        }
    }

    private func searchFiles(_ gateway: TestGateway) throws {
        let paths = try files(of: gateway.data)
        #expect(paths.contains { $0.hasSuffix("state.sqlite") })
        for path in paths {
            expectNothing(Array(path.utf8), in: "a file's name")
            expectNothing([UInt8](try Data(contentsOf: URL(fileURLWithPath: path))), in: path)
        }
        let log = gateway.folder.path + "/gateway.log"
        expectNothing([UInt8](try Data(contentsOf: URL(fileURLWithPath: log))), in: "the gateway's log lines")
    }

    @Test(.timeLimit(.minutes(1)))
    func `plaintext is found nowhere`() throws {
        let gateway = try TestGateway(allPlatforms: true, more: "log_level: debug\n")
        let platforms = try #require(gateway.cast.platforms)
        // One upstream is down for a while, one says no and quotes what it was sent.
        gateway.cast.topsort.standIn.faults.play([FaultStep(.status(503), requests: 2)])
        platforms.vtex.standIn.faults.decide { request in
            FaultDecision(fault: .status(400, body: "no: " + String(decoding: request.body, as: UTF8.self)))
        }
        platforms.kevel.standIn.faults.decide { request in
            FaultDecision(fault: .status(422, body: "no: \(request.path)?\(request.query)"))
        }
        let taken = try send(gateway)
        #expect(taken >= 4)
        let figures = try gateway.settled(events: taken)
        #expect(figures.destinations.contains { $0.rejected > 0 })

        let admin = try #require(HTTPClient(address: gateway.run.admin))
        for path in ["/metrics", "/api/status", "/readyz", "/healthz"] {
            let answer = try admin.request("GET", path)
            #expect(!answer.body.isEmpty)
            expectNothing(answer.body, in: path)
        }
        for party in gateway.cast.parties {
            for kept in party.standIn.ledger.requests {
                let request = kept.request
                expectNothing(Array("\(request.path)?\(request.query)".utf8), in: "a URL for \(party.destination)")
                expectNothing(WebhookStandIn.content(of: request) ?? [], in: "a body for \(party.destination)")
            }
        }
        try searchFiles(gateway)
        #expect(gateway.stop() == .exited(code: 0))
        try searchFiles(gateway)

        let lines = try LogOnDisk.lines(dataFolder: gateway.data)
        #expect(lines.count == taken)
        for line in lines { expectNothing(Array(line.utf8), in: "the log") }
        // sha256 of ada.lovelace+secret@shop-mail.example
        let hash = try Tool.run("sh", ["-c", "printf %s ada.lovelace+secret@shop-mail.example | sha256sum"])
        let digest = String(decoding: hash.prefix(64), as: UTF8.self)
        #expect(lines.contains { $0.contains("\"email_sha256\":\"\(digest)\"") }, "the events are there, hashed")
        let state = try Tool.run("sqlite3", [gateway.data + "/state.sqlite", ".dump"])
        #expect(String(decoding: state, as: UTF8.self).contains("no: "), "what the platforms said is there")
        expectNothing(state, in: "the state")
    }
}
