import SluiceCore
import SluiceDelivery
import Testing

@Suite struct DeliveryRulesTests {
    private func admits(
        _ rules: DeliveryRules, _ type: String, source: String = "shop", network: String = ""
    ) -> Bool {
        let encoder = IDEncoder()
        return Array(eventLine("1", type: type, source: source, network: network).utf8).withBytes { line in
            RuleMatcher(rules, platform: .topsort).admits(EventSummary(line)!) {
                encoder.takes(type: $0, network: $1)
            }
        }
    }

    @Test func withoutRulesThePlatformDecides() {
        let rules = DeliveryRules()
        #expect(admits(rules, "click"))
        #expect(admits(rules, "click", network: "topsort"))
        #expect(!admits(rules, "click", network: "gowit"))
        #expect(!admits(rules, "page_view"))
    }

    @Test func sourcesNarrow() {
        let rules = DeliveryRules(sources: ["web", "app"])
        #expect(admits(rules, "click", source: "app"))
        #expect(!admits(rules, "click", source: "shop"))
        #expect(!admits(rules, "page_view", source: "app"))
    }

    @Test func typesNarrowAndWidenButKeepForeignNetworksOut() {
        let rules = DeliveryRules(events: [.pageView, .click])
        #expect(admits(rules, "page_view"))
        #expect(admits(rules, "click", network: "topsort"))
        #expect(!admits(rules, "click", network: "gowit"))
        #expect(!admits(rules, "purchase"))
    }

    @Test func networksReplaceThePlatformsOwn() {
        let rules = DeliveryRules(networks: ["gowit", ""])
        #expect(admits(rules, "click", network: "gowit"))
        #expect(admits(rules, "click"))
        #expect(!admits(rules, "click", network: "topsort"))
        #expect(!admits(rules, "page_view", network: "gowit"))
    }

    @Test func anEmptyListAdmitsNothing() {
        #expect(!admits(DeliveryRules(events: []), "click"))
        #expect(!admits(DeliveryRules(sources: []), "click"))
        #expect(!admits(DeliveryRules(networks: []), "click"))
    }
}
