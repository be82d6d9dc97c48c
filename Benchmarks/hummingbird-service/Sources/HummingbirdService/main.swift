// What a Swift developer would write in an afternoon: Hummingbird, JSONDecoder, a GRDB pool, one
// transaction for each request. In WAL mode GRDB's pool does not fsync each transaction.
//
//     HummingbirdService PORT DATABASE
import Foundation
import GRDB
import Hummingbird
import Logging

let arguments = CommandLine.arguments
guard arguments.count == 3, let port = Int(arguments[1]) else {
    FileHandle.standardError.write(Data("usage: HummingbirdService PORT DATABASE\n".utf8))
    exit(2)
}
let database = try DatabasePool(path: arguments[2])
try await database.write(EventRow.createTable)

struct ServiceContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    var requestDecoder: JSONDecoder

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        requestDecoder = JSONDecoder()
        requestDecoder.dateDecodingStrategy = .custom { decoder in
            let text = try decoder.singleValueContainer().decode(String.self)
            return try Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        }
    }
}

let router = Router(context: ServiceContext.self)
router.post("topsort/v2/events") { request, context -> HTTPResponse.Status in
    let events = try await request.decode(as: TopsortEvents.self, context: context)
    let now = Date()
    let rows =
        (events.impressions ?? []).map { EventRow($0, type: "impression", receivedAt: now) }
        + (events.clicks ?? []).map { EventRow($0, type: "click", receivedAt: now) }
    try await database.write { database in
        for row in rows { try row.insert(database) }
    }
    return .noContent
}

var logger = Logger(label: "hummingbird-service")
logger.logLevel = .warning
let application = Application(
    router: router, configuration: .init(address: .hostname("127.0.0.1", port: port), backlog: 4096),
    logger: logger)
try await application.runService()
