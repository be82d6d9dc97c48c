import SluiceLog

/// The log of a gateway that has stopped, held against what was acknowledged.
struct DrillLog: Equatable {
    /// Events in it.
    var events = 0
    /// Acknowledged events that are there exactly once.
    var once = 0
    var missing: [String] = []
    /// Events there more than once, acknowledged or not.
    var twice: [String] = []

    init() {}

    init(dataFolder: String, acknowledged: [TraceID]) throws(DrillError) {
        var counts: [TraceID: Int] = [:]
        do {
            let log = try EventLog.open(folder: dataFolder)
            defer { log.close() }
            let reader = log.makeReader()
            var next: Int64 = 1
            while let block = try reader.block(atOrAfter: next) {
                next = block.number + 1
                for index in 0..<block.eventCount {
                    let line = block.withEvent(index) { $0.array }
                    events += 1
                    if let id = Self.trace(of: line) { counts[id, default: 0] += 1 }
                }
            }
        } catch {
            throw .log("\(error)")
        }
        for id in acknowledged {
            if counts[id] == nil { missing.append("\(id)") } else if counts[id] == 1 { once += 1 }
        }
        twice = counts.filter { $0.value > 1 }.map { "\($0.key)" }
    }

    /// The generator's id of an event's line.
    private static func trace(of line: [UInt8]) -> TraceID? {
        // The canonical form begins with the id; only where that is not the generator's is the rest read.
        let start = Array("{\"id\":\"".utf8)
        if line.starts(with: start), line.count > start.count + 36, line[start.count + 36] == UInt8(ascii: "\""),
            let id = TraceID(String(decoding: line[start.count..<start.count + 36], as: UTF8.self)), id.isGenerated
        {
            return id
        }
        return PlainJSON(line).flatMap { TraceID(TrafficEvent.trace(of: $0)) }
    }
}
