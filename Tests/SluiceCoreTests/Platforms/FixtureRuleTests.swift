import Testing

@testable import SluiceCore

/// Bad input, systematically: a fixture for every rule at every platform.
@Suite struct FixtureRuleTests {
    @Test(arguments: ["native", "topsort", "gowit", "vtex", "kevel", "impact"])
    func everyRuleHasAFixture(_ platform: String) {
        let fixtures = Fixture.all(platform)
        let names = Set(fixtures.map(\.name))
        for rule in Fixture.rules { #expect(names.contains("rule_\(rule)"), "\(platform)/rule_\(rule)") }
        #expect(fixtures.contains { (200..<300).contains($0.status) && !$0.events.isEmpty })
    }

    /// What breaks a rule is refused, event by event for native and as a whole elsewhere; hostile text that
    /// breaks none is kept as it is.
    @Test(arguments: ["native", "topsort", "gowit", "vtex", "kevel", "impact"])
    func rulesAreKept(_ platform: String) {
        let isTaken: Set<String> = ["rule_unknown_property", "rule_rtl", "rule_crlf"]
        for fixture in Fixture.all(platform) where fixture.name.hasPrefix("rule_") {
            let outcome = fixture.send(fixture.anyHarness())
            if isTaken.contains(fixture.name) {
                #expect((200..<300).contains(outcome.status), "\(fixture.name)")
                #expect(outcome.result.rejected == 0)
            } else if fixture.name != "rule_empty" {
                #expect(outcome.result.rejected > 0, "\(platform)/\(fixture.name)")
            }
            for line in outcome.lines { #expect(foundation(line) != nil) }
        }
    }
}
