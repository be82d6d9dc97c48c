import SluiceIO

/// The stand-ins of the platforms beside Topsort, and the gateway's configuration for them.
package struct DemoPlatforms {
    package let gowit: StandInServer
    package let vtex: StandInServer
    package let kevel: StandInServer
    package let impact: StandInServer
    private let key: String

    static let dataSource = "3c1b7a52-9f0e-4a53-8d1c-5a2f6b7c8d90"
    static let marketplace = "m-1"
    static let publisher = "pub-1"
    static let network = "123"
    static let account = "IRsid1"
    static let campaign = 1000

    /// - Parameter key: GoWit's API key and impact.com's token.
    init(key: String) throws(ListenError) {
        self.key = key
        gowit = try StandInServer(
            StandIn(GowitStandIn(key: key, dataSource: Self.dataSource, marketplace: Self.marketplace)))
        vtex = try StandInServer(StandIn(VtexStandIn(publisher: Self.publisher)))
        // The first item of each order is attributed, the second and third exist, the fourth does not.
        kevel = try StandInServer(
            StandIn(
                KevelStandIn(
                    network: Self.network, attributed: .endingIn("0"), catalogue: .endingIn("012"))))
        impact = try StandInServer(
            StandIn(ImpactStandIn(account: Self.account, token: key, campaign: Self.campaign)))
    }

    func stop() {
        for server in [gowit, vtex, kevel, impact] { server.stop() }
    }

    var parties: [Books.Party] {
        [
            .gowit("gowit", gowit.standIn), .vtex("vtex", vtex.standIn), .kevel("kevel", kevel.standIn),
            .impact("impact", impact.standIn),
        ]
    }

    /// What the source is known by, as a line of the configuration.
    static let accountsLine = """
            accounts: {gowit: "\(marketplace)", vtex: "\(publisher)", kevel: "\(network)", impact: "\(account)"}
        """

    /// - Parameter options: added to each, as in `start: earliest`.
    func destinations(options: String) -> String {
        func line(_ name: String, _ server: StandInServer, _ path: String, _ rest: String) -> String {
            "  - {name: \(name), platform: \(name), url: \"http://127.0.0.1:\(server.port)\(path)\", \(rest), \(options)}\n"
        }
        return line(
            "gowit", gowit, "/server/events",
            "token: \"\(key)\", data_source: \(Self.dataSource), marketplace_id: \"\(Self.marketplace)\"")
            + line("vtex", vtex, "", "publisher_id: \"\(Self.publisher)\"")
            + line("kevel", kevel, "", "network_id: \"\(Self.network)\"")
            + line(
                "impact", impact, "",
                "account_sid: \"\(Self.account)\", token: \"\(key)\", campaign_id: \(Self.campaign), event_type_id: 9876"
            )
    }
}
