import Foundation

/// What the generator's source is known by at each platform, as the gateway is configured.
package struct TrafficAccounts: Equatable, Sendable {
    /// The source's UUID, GoWit's data source.
    package var dataSource: String
    /// The key of the source: GoWit's API key and impact.com's token, too.
    package var key: String
    package var gowitMarketplace: String
    package var vtexPublisher: String
    package var kevelNetwork: String
    package var impactAccount: String

    package init(
        dataSource: String, key: String, gowitMarketplace: String, vtexPublisher: String,
        kevelNetwork: String, impactAccount: String
    ) {
        self.dataSource = dataSource
        self.key = key
        self.gowitMarketplace = gowitMarketplace
        self.vtexPublisher = vtexPublisher
        self.kevelNetwork = kevelNetwork
        self.impactAccount = impactAccount
    }
}

/// Escapes as their senders write them.
enum PlainEscape {
    /// Everything but RFC 3986's unreserved characters, by Foundation.
    static func component(_ text: String) -> String {
        let unreserved = CharacterSet(
            charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
        return text.addingPercentEncoding(withAllowedCharacters: unreserved) ?? ""
    }

    /// `name=value&…`; with a plus sign for a space in forms.
    static func parameters(_ parameters: [(String, String)], isForm: Bool) -> String {
        parameters.map { name, value in
            let escaped = component(value)
            return "\(name)=" + (isForm ? escaped.replacingOccurrences(of: "%20", with: "+") : escaped)
        }.joined(separator: "&")
    }
}
