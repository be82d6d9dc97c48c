import ArgumentParser
import Foundation
import SluiceLoad

extension LoadPlatform: ExpressibleByArgument {}
extension LoadEventType: ExpressibleByArgument {}

/// What is sent.
struct TrafficArguments: ParsableArguments {
    @Option(help: "Whose clients to play: topsort, native, gowit, vtex, kevel or impact.")
    var platform = LoadPlatform.topsort

    @Option(
        help:
            "impression, view, click, purchase, page_view or mixed, as far as the platform knows it. Default: impression, or purchase."
    )
    var type: LoadEventType?

    @Option(help: "Events in a request: any number for native, up to 50 for topsort, else 1.")
    var events = 1

    @Option(help: "Size of each event's body (kevel: query), filled up to so many bytes.")
    var bytes: Int?

    @Option(help: "The source's key, as the platform carries it.")
    var key: String?

    @Option(
        help:
            "The source's account: marketplace (gowit, default m-1), publisher (vtex, pub-1), network (kevel, 123), account sid (impact, IRsid1)."
    )
    var account: String?

    @Option(help: ArgumentHelp("GoWit's Data-Source-UUID.", valueName: "uuid"))
    var dataSource: String?

    @Option(help: ArgumentHelp("A header to add, or to replace; can be repeated.", valueName: "Name: value"))
    var header: [String] = []

    @Option(help: "The method, if not the platform's.")
    var method: String?

    @Option(
        help: ArgumentHelp(
            "A body of your own: the file's, with {{id}}, {{id:1}}… and {{time}} replaced in each request.",
            valueName: "file"))
    var body: String?

    @Option(help: "Of ids and of all that is left to chance; the same seed sends the same events again.")
    var seed: UInt64?

    func settings() throws -> TrafficSettings {
        var settings = TrafficSettings()
        settings.platform = platform
        settings.type = type
        settings.events = events
        settings.bytes = bytes
        settings.key = key
        settings.account = account
        settings.dataSource = dataSource
        settings.method = method
        settings.headers = try header.map { text in
            guard let colon = text.firstIndex(of: ":") else {
                throw ValidationError("'\(text)' is no header: write 'Name: value'")
            }
            let value = text[text.index(after: colon)...].drop { $0 == " " }
            return (String(text[..<colon]), String(value))
        }
        if let body {
            guard let data = FileManager.default.contents(atPath: body) else {
                throw ValidationError("\(body) cannot be read")
            }
            settings.body = String(decoding: data, as: UTF8.self)
        }
        return settings
    }
}
