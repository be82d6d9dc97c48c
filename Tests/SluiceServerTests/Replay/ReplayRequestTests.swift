import SluiceCore
import SluiceServer
import Testing

@Suite struct ReplayRequestTests {
    private let now: Int64 = 1_800_000_000_000

    private func configuration() throws -> Configuration {
        try ConfigurationLoader.parse(
            """
            destinations:
              - {name: hook, platform: webhook, url: "http://127.0.0.1:1/"}
              - {name: ads, platform: vtex, url: "http://127.0.0.1:1", publisher_id: "p"}
            """, file: nil, options: ConfigurationOptions(environment: [:]))
    }

    private func problem(_ json: String) throws -> ReplayProblem? {
        let configuration = try configuration()
        do throws(ReplayProblem) {
            _ = try ReplayRequest(json: Array(json.utf8)).spec(configuration, now: now)
            return nil
        } catch {
            return error
        }
    }

    @Test func `a whole request is read`() throws {
        let request = try ReplayRequest(
            json: Array(
                """
                {"destination": "ads", "from": "-2h", "until": "now", "type": ["purchase", "click", "click"],
                 "source": "shop", "outcome": "any", "rate": "200/s", "from_segment": "/a/1.sqlite",
                 "dry_run": true}
                """.utf8))
        #expect(request.dryRun)
        let spec = try request.spec(configuration(), now: now)
        #expect(spec.destination == "ads")
        #expect(spec.received == now - 7_200_000..<now + 1)
        #expect(spec.types == [.purchase, .click])
        #expect(spec.sources == ["shop"])
        #expect(spec.outcome == .any)
        #expect(spec.rate?.description == "200/s")
        #expect(spec.segment == "/a/1.sqlite")
        // What goes over the wire means the same a moment later.
        let sent = try ReplayRequest(json: request.json(now: now))
        #expect(try sent.spec(configuration(), now: now + 5).received == spec.received)
    }

    @Test func `until may lie in the future and be left out`() throws {
        #expect(try problem(#"{"destination": "hook", "from": "-1h", "until": "2099-01-01"}"#) == nil)
        let open = try ReplayRequest(json: Array(#"{"destination": "hook", "from": "-1h"}"#.utf8))
        #expect(try open.spec(configuration(), now: now).received.upperBound == now + 1)
        let archived = try ReplayRequest(
            json: Array(#"{"destination": "hook", "from_segment": "/x"}"#.utf8))
        #expect(try archived.spec(configuration(), now: now).received == 0..<now + 1)
    }

    @Test(
        arguments: [
            (#"[]"#, nil, "JSON object"),
            (#"{"destinaton": "hook"}"#, "destinaton", "did you mean 'destination'?"),
            (#"{"from": "-1h"}"#, "destination", "is missing"),
            (#"{"destination": 5}"#, "destination", "must be a string"),
            (#"{"destination": "nope", "from": "-1h"}"#, "destination", "there are hook, ads"),
            (#"{"destination": "hook"}"#, "from", "is missing"),
            (#"{"destination": "hook", "from": "yesterday"}"#, "from", "is not a time"),
            (#"{"destination": "hook", "from": "-1h", "until": "-2h"}"#, "until", "lies before from"),
            (#"{"destination": "hook", "from": "2099-01-01"}"#, "until", "lies in the future"),
            (#"{"destination": "hook", "from": "-1h", "type": "sale"}"#, "type", "there are impression"),
            (#"{"destination": "hook", "from": "-1h", "type": 1}"#, "type", "must be a string or a list"),
            (#"{"destination": "hook", "from": "-1h", "outcome": "lost"}"#, "outcome", "is none of rejected"),
            (#"{"destination": "hook", "from": "-1h", "rate": "fast"}"#, "rate", "is not a rate"),
            (#"{"destination": "hook", "from_segment": "x.sqlite"}"#, "from_segment", "is not an absolute path"),
            (#"{"destination": "hook", "from": "-1h", "dry_run": "yes"}"#, "dry_run", "must be true or false"),
        ] as [(String, String?, String)])
    func `what is wrong is named`(_ json: String, _ field: String?, _ words: String) throws {
        let found = try #require(try problem(json))
        #expect(found.field == field)
        #expect(found.message.contains(words), "\(found.message)")
    }

    @Test func `the command line names options`() {
        #expect(ReplayProblem("from_segment", "is wrong").text == "--from-segment: is wrong")
        #expect(ReplayProblem(nil, "it is wrong").text == "it is wrong")
    }
}
