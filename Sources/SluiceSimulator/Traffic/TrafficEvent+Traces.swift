import SluiceCore

// What each platform knows an event by, and so what its stand-in's ledger must hold.

extension TrafficEvent {
    /// The session of an event; events whose ids are siblings share it.
    package static func session(of id: TraceID) -> String { "s-" + String(id.high, radix: 16) }

    /// The product of an order's item, counted from 0.
    package static func product(of id: TraceID, item: Int) -> String { "sku-\(id.low & 0xFFFF_FFFF)-\(item)" }

    private var products: [String] { (0..<Int(items)).map { TrafficEvent.product(of: id, item: $0) } }

    /// Its ids at GoWit: an ad event's, or one for each product of a sale.
    package var gowitTraces: [String] {
        let session = TrafficEvent.session(of: id)
        guard type == .purchase else {
            return [GowitStandIn.ledgerID(session: session, ad: "\(id)", type: "\(type.name)")]
        }
        return products.map { GowitStandIn.ledgerID(session: session, product: $0) }
    }

    /// Its ids at VTEX: an ad's URL, or an order.
    package var vtexTraces: [String] {
        VtexStandIn.kind(of: type).map { [VtexStandIn.ledgerID(kind: $0, ad: "\(id)")] } ?? ["\(id)"]
    }

    /// Its ids at Kevel: one for each item of an order. GoWit's sales have no order's id, so that the
    /// product is all there is.
    package var kevelTraces: [String] {
        let order = form == .gowit || form == .gowitSDK ? nil : "\(id)"
        return products.map { KevelStandIn.ledgerID(transaction: order, product: $0) }
    }

    /// The generator's id of a canonical event, wherever the platform it came by has room for one: the
    /// event's id, else its order's, its ad's or its ad's URL's. An event that bears none is known by
    /// its id as it is.
    static func trace(of event: PlainJSON) -> String {
        let id = event["id"]?.string ?? ""
        let places = [id, event["order"]?["id"]?.string, event["ad"]?["id"]?.string].compactMap(\.self)
        let url = (event["ad"]?["url"]?.string ?? "").split { "/?&=".contains($0) }.map(String.init)
        return (places + url).first { TraceID($0)?.isGenerated == true } ?? id
    }
}

extension VtexStandIn {
    /// The path's word for an ad event; nil for other events.
    package static func kind(of type: EventType) -> String? {
        switch type {
        case .impression: "impression"
        case .viewableImpression: "view"
        case .click: "click"
        case .purchase, .pageView: nil
        }
    }
}
