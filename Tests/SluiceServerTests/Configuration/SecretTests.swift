import SluiceServer
import Testing

@Suite struct SecretTests {
    static let hidden = "hunter2"

    @Test func aSecretShowsNowhere() {
        let secret = Secret(SecretTests.hidden)
        var text = ""
        dump(secret, to: &text)
        text += "\(secret) \(String(reflecting: secret)) \([secret]) \(["k": secret])"
        #expect(!text.contains(SecretTests.hidden))
        #expect(secret.reveal() == SecretTests.hidden)
    }

    @Test func aConfigurationShowsNone() throws {
        let yaml = """
            sources: [{name: a, keys: ["hunter2"]}]
            destinations:
              - {name: w, platform: webhook, url: "https://x.test/hunter2", secret: hunter2, token: hunter2, headers: {X: hunter2}}
            """
        var configuration = try ConfigurationLoader.parse(yaml, file: nil, options: .tests())
        let report = CheckReport(configuration)
        #expect(!report.text.contains(SecretTests.hidden))
        #expect(!AdminJSON.encode(report).contains(SecretTests.hidden))
        // The URL alone may hold it.
        configuration.destinations[0].url.path = ""
        var text = "\(configuration)"
        dump(configuration, to: &text)
        #expect(!text.contains(SecretTests.hidden))
    }

    /// Each document goes wrong at or beside a secret, given in the file or by the environment.
    @Test(arguments: [
        "sources: [{name: a, keys: ['hunter2 x']}]",
        "sources: [{name: a, keys: ['${SECRET} x']}]",
        "sources: [{name: a, keys: [hunter2]}, {name: b, keys: [hunter2]}]",
        "sources: [{name: '${SECRET} x', keys: [a]}]",
        "workers: ${SECRET}",
        "admin: ${SECRET}",
        "log_level: ${SECRET}",
        "destinations: [{name: a, platform: webhook, url: 'https:${SECRET}'}]",
        "destinations: [{name: a, platform: webhook, url: 'https://x', headers: {X: \"hunter2\\n\"}}]",
        "destinations: [{name: a, platform: webhook, url: 'https://x', secret: [hunter2]}]",
        "destinations: [{name: a, platform: webhook, url: 'https://x', rate: '${SECRET}'}]",
        "sources:\n  - name: a\n    keys: [\"hunter2\n",
        "sources:\n  - name: a\n   keys: 'hunter2\n",
        "sources: &hunter\n  - token: \u{1}hunter2\n",
    ])
    func noProblemQuotesASecret(yaml: String) {
        let lines = problems(yaml, options: .tests(["SECRET": SecretTests.hidden]))
        #expect(!lines.isEmpty)
        #expect(!lines.joined().contains(SecretTests.hidden))
    }

    @Test func whatAVariableHeldIsShownAsItsName() {
        #expect(
            problems("workers: ${SECRET}", options: .tests(["SECRET": "hunter2"]))
                == ["c.yaml:1:10: workers: '${SECRET}' is not a whole number"])
    }

    @Test func credentialsInTheClearAreWarnedOf() throws {
        func warnings(_ url: String) throws -> [String] {
            let yaml = "destinations: [{name: a, platform: webhook, token: t, url: '\(url)'}]"
            return try ConfigurationLoader.parse(yaml, file: "c", options: .tests()).warnings.map(
                \.description)
        }
        #expect(
            try warnings("http://x.test/")
                == ["c:1:60: destinations[0].url: sends credentials unencrypted to x.test; use https"])
        #expect(try warnings("https://x.test/") == [])
        #expect(try warnings("http://127.0.0.1:1/") == [])
        #expect(try warnings("http://[::1]:1/") == [])
    }
}
