import Foundation

/// The stand-ins of a demo, their credentials, and the configuration that points a gateway at them.
package struct DemoCast {
    package let topsort: StandInServer
    package let warehouse: StandInServer
    /// The one source's bearer token.
    package let sourceKey: String
    private let topsortKey: String
    private let secret: String

    /// Starts both stand-ins on ports of the kernel's choice.
    package init() throws(DemoError) {
        sourceKey = Self.credential()
        topsortKey = Self.credential()
        secret = Self.credential()
        do {
            topsort = try StandInServer(StandIn(TopsortStandIn(key: topsortKey)))
            warehouse = try StandInServer(StandIn(WebhookStandIn(secret: secret)))
        } catch {
            throw .standIn(error)
        }
    }

    package func stop() {
        topsort.stop()
        warehouse.stop()
    }

    /// Who gets which events, for the books.
    package var parties: [Books.Party] {
        [.topsort("topsort", topsort.standIn), .webhook("warehouse", warehouse.standIn)]
    }

    /// The whole configuration of a gateway with its data in `data`.
    ///
    /// - Parameters:
    ///   - listen, admin: addresses; port 0 leaves the choice to the kernel.
    ///   - destinationOptions: added to both destinations, as in `, retry: {for: 1h}`.
    package func configuration(
        data: String, listen: String = "127.0.0.1:0", admin: String = "127.0.0.1:0",
        destinationOptions: String = ""
    ) -> String {
        """
        # Written by a run of the simulator, for its own gateway.
        listen: ["\(listen)"]
        admin: "\(admin)"
        data: \(PlainJSON.quote(data))
        sources:
          - name: shop-web
            id: 7d0f3f0e-6f0b-4a53-9a6e-0c6c2f1f7f10
            keys: ["\(sourceKey)"]
        destinations:
          - {name: topsort, platform: topsort, url: "http://127.0.0.1:\(topsort.port)", \
        token: "\(topsortKey)", start: earliest\(destinationOptions)}
          - {name: warehouse, platform: webhook, url: "http://127.0.0.1:\(warehouse.port)/hook", \
        secret: "\(secret)", start: earliest, gzip: true\(destinationOptions)}

        """
    }

    private static func credential() -> String {
        UUID().uuidString.lowercased().filter { $0 != "-" }
    }
}
