import SluiceSimulator
import Testing

@Suite struct DemoCastTests {
    @Test func `the whole cast has a destination, a party and a stand-in each`() throws {
        let cast = try DemoCast(allPlatforms: true)
        defer { cast.stop() }
        let text = cast.configuration(data: "/d", destinationOptions: ", retry: {for: 1h}")
        let names = ["topsort", "warehouse", "gowit", "vtex", "kevel", "impact"]
        #expect(cast.parties.map(\.destination) == names)
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("  - {name:") }
        #expect(lines.count == 6)
        for (line, name) in zip(lines, names) {
            #expect(
                line.hasPrefix("  - {name: \(name), ") && line.hasSuffix("start: earliest, retry: {for: 1h}}")
            )
        }
        let accounts = try #require(cast.accounts)
        #expect(
            text.contains(
                "\n    accounts: {gowit: \"\(accounts.gowitMarketplace)\", vtex: \"\(accounts.vtexPublisher)\", "
                    + "kevel: \"\(accounts.kevelNetwork)\", impact: \"\(accounts.impactAccount)\"}\ndestinations:\n"
            ))
        #expect(text.contains("    id: \(accounts.dataSource)\n") && text.contains(accounts.key))
        #expect(cast.mix == .allPlatforms)
    }

    @Test func `the small cast knows no accounts`() throws {
        let cast = try DemoCast()
        defer { cast.stop() }
        let text = cast.configuration(data: "/d")
        #expect(cast.parties.count == 2 && cast.accounts == nil && cast.mix == TrafficMix())
        #expect(!text.contains("accounts") && text.contains("\ndestinations:\n  - {name: topsort"))
        #expect(text.split(separator: "\n").filter { $0.hasPrefix("  - {name:") }.count == 2)
    }
}
