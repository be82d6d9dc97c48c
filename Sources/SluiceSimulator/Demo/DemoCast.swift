import Foundation

/// The stand-ins of a demo, their credentials, and the configuration that points a gateway at them.
package struct DemoCast {
    package let topsort: StandInServer
    package let warehouse: StandInServer
    /// The other platforms; nil without them.
    package let platforms: DemoPlatforms?
    /// The one source's bearer token.
    package let sourceKey: String
    private let topsortKey: String
    private let secret: String

    private static let sourceID = "7d0f3f0e-6f0b-4a53-9a6e-0c6c2f1f7f10"

    /// Starts the stand-ins on ports of the kernel's choice.
    ///
    /// - Parameter allPlatforms: GoWit, VTEX, Kevel and impact.com, too.
    package init(allPlatforms: Bool = false) throws(DemoError) {
        sourceKey = Self.credential()
        topsortKey = Self.credential()
        secret = Self.credential()
        do {
            topsort = try StandInServer(StandIn(TopsortStandIn(key: topsortKey)))
            warehouse = try StandInServer(StandIn(WebhookStandIn(secret: secret)))
            platforms = allPlatforms ? try DemoPlatforms(key: Self.credential()) : nil
        } catch {
            throw .standIn(error)
        }
    }

    package func stop() {
        topsort.stop()
        warehouse.stop()
        platforms?.stop()
    }

    /// Who gets which events, for the books.
    package var parties: [Books.Party] {
        [.topsort("topsort", topsort.standIn), .webhook("warehouse", warehouse.standIn)]
            + (platforms?.parties ?? [])
    }

    /// The servers by the names of their destinations, in the order of the configuration.
    package var servers: [(name: String, server: StandInServer)] {
        let pair = [("topsort", topsort), ("warehouse", warehouse)]
        guard let platforms else { return pair }
        return pair + [
            ("gowit", platforms.gowit), ("vtex", platforms.vtex), ("kevel", platforms.kevel),
            ("impact", platforms.impact),
        ]
    }

    /// Which traffic suits the cast.
    package var mix: TrafficMix { platforms == nil ? TrafficMix() : .allPlatforms }

    /// What the source is known by at the platforms; nil without them.
    package var accounts: TrafficAccounts? {
        platforms.map { _ in
            TrafficAccounts(
                dataSource: Self.sourceID, key: sourceKey, gowitMarketplace: DemoPlatforms.marketplace,
                vtexPublisher: DemoPlatforms.publisher, kevelNetwork: DemoPlatforms.network,
                impactAccount: DemoPlatforms.account)
        }
    }

    /// The whole configuration of a gateway with its data in `data`.
    ///
    /// - Parameters:
    ///   - listen, admin: addresses; port 0 leaves the choice to the kernel.
    ///   - destinationOptions: added to all destinations, as in `, retry: {for: 1h}`.
    package func configuration(
        data: String, listen: String = "127.0.0.1:0", admin: String = "127.0.0.1:0",
        destinationOptions: String = ""
    ) -> String {
        let options = "start: earliest\(destinationOptions)"
        return """
            # Written by a run of the simulator, for its own gateway.
            listen: ["\(listen)"]
            admin: "\(admin)"
            data: \(PlainJSON.quote(data))
            sources:
              - name: shop-web
                id: \(Self.sourceID)
                keys: ["\(sourceKey)"]
            \(platforms == nil ? "" : DemoPlatforms.accountsLine + "\n")\
            destinations:
              - {name: topsort, platform: topsort, url: "http://127.0.0.1:\(topsort.port)", \
            token: "\(topsortKey)", \(options)}
              - {name: warehouse, platform: webhook, url: "http://127.0.0.1:\(warehouse.port)/hook", \
            secret: "\(secret)", gzip: true, \(options)}
            \(platforms?.destinations(options: options) ?? "")
            """
    }

    private static func credential() -> String {
        UUID().uuidString.lowercased().filter { $0 != "-" }
    }
}
