import Testing

@testable import SluiceCore

@Suite struct CanonicalReaderTests {
    private let head =
        #""id":"e","type":"click","received_at":"2026-01-02T03:04:05.678Z","source":"s","platform":"native""#

    private func reason(_ line: String) -> String? {
        var fields = EventFields()
        return Array(line.utf8).withBytes { bytes in
            do throws(CanonicalError) {
                try CanonicalReader().parse(bytes, into: &fields)
                return nil
            } catch {
                return error.reason
            }
        }
    }

    @Test func readsALine() throws {
        let line =
            "{\(head),\"network\":\"topsort\",\"user\":{\"id\":\"a\\\"b\"},\"ad\":{\"id\":\"bid\"},"
            + "\"order\":{\"items\":[{\"sku\":\"s\",\"quantity\":2}]},\"ext\":{\"topsort\":{\"x\":1}},\"later\":[1]}"
        var fields = EventFields()
        try Array(line.utf8).withBytes { bytes throws(CanonicalError) in
            try CanonicalReader().parse(bytes, into: &fields)
            let type = fields.type
            #expect(type == .click)
            let received = fields.receivedMilliseconds
            #expect(received == DecoderHarness.now)
            let user = fields.text(.userID)?.string
            #expect(user == "a\"b")
            let sku = fields.itemText(0, .sku)?.string
            #expect(sku == "s")
            let network = fields.text(.network)?.string
            #expect(network == "topsort")
            let absent = fields.text(.sessionID)
            #expect(absent == nil)
            let extensions = fields.extensions.count
            #expect(extensions == 1)
        }
    }

    @Test func readsTheHeadOnly() throws {
        var fields = EventFields()
        // What stands behind the head is not looked at.
        try Array("{\(head),\"network\":\"gowit\",\"user\":{broken".utf8).withBytes {
            bytes throws(CanonicalError) in
            try CanonicalReader().parseHead(bytes, into: &fields)
            let network = fields.text(.network)?.string
            #expect(network == "gowit")
            let source = fields.text(.source)?.string
            #expect(source == "s")
        }
    }

    @Test(arguments: [
        ("id", "{\"type\":\"click\"}"), ("type", #"{"id":"x","type":"cluck"}"#),
        ("user", #"{"id":"x","type":"click","user":1}"#),
        ("order.items[0]", #"{"order":{"items":[{"sku":1}]}}"#),
        ("ends too early", "{"), ("expected an object", "[]"), ("after the JSON value", "{}{}"),
        ("too early", ""),
    ])
    func refuses(_ part: String, _ line: String) {
        #expect(reason(line)?.contains(part) == true, "\(reason(line) ?? "taken")")
    }

    @Test func requiresTheHead() {
        #expect(reason("{\(head)}") == nil)
        for missing in ["id", "type", "received_at", "source", "platform"] {
            let line = "{\(head)}".replacing("\"\(missing)\":", with: "\"other\":")
            #expect(reason(line) == "\(missing) is missing or invalid")
        }
    }
}
