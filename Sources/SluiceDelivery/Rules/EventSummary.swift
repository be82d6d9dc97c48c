import SluiceCore

/// The few fields of a canonical event that delivery itself looks at, as views into the line.
///
/// Sluice writes the line, its fields in a fixed order with the scalars first, so that the head of
/// the line is enough. Whatever the bytes are, reading them never traps: what is not such a line
/// yields nil. Values are the text between the quotes; only an id may hold escapes.
package struct EventSummary {
    package let id: Bytes
    package let type: EventType
    private let occurred: Bytes
    private let received: Bytes
    package let source: Bytes
    /// Empty for organic events.
    package let network: Bytes
    /// How much of the line says all this: other lines that begin so have the same type, source and network, whatever
    /// stands in `texts`. 0 where that cannot be said.
    package let headCount: Int
    private let session: Bytes

    /// Reads the summary, or says nil when the line has no id or no known type.
    package init?(_ line: Bytes) {
        guard line.count > 1, line[0] == UInt8(ascii: "{") else { return nil }
        var id = Bytes.empty
        var source = Bytes.empty
        var network = Bytes.empty
        var type: EventType?
        var occurred = Bytes.empty
        var received = Bytes.empty
        var session = Bytes.empty
        var hasNetwork = false
        var place = 1
        scalars: while let key = EventSummary.quoted(line, at: &place) {
            guard place < line.count, line[place] == UInt8(ascii: ":") else { return nil }
            place += 1
            // The first value that is no string ends the scalars.
            guard let value = EventSummary.quoted(line, at: &place) else { break }
            // Few names are as long as another.
            switch key.count {
            case 2 where key.equals("id"): id = value
            case 4 where key.equals("type"): type = EventType(value)
            case 6 where key.equals("source"): source = value
            case 7 where key.equals("network"):
                network = value
                hasNetwork = true
                break scalars
            case 11 where key.equals("occurred_at"): occurred = value
            case 11 where key.equals("received_at"): received = value
            case 10 where key.equals("session_id"): session = value
            default: break
            }
            guard place < line.count, line[place] == UInt8(ascii: ",") else { break }
            place += 1
        }
        guard let type, !id.isEmpty else { return nil }
        self.id = id
        self.type = type
        self.occurred = occurred
        self.received = received
        self.source = source
        self.network = network
        self.session = session
        // What ended the reading belongs to it; a mark there begins a string without an end.
        headCount = hasNetwork ? place : place < line.count && line[place] != UInt8(ascii: "\"") ? place + 1 : 0
    }

    /// Where the values stand in `line`, which the summary was read from, that differ from event to event.
    package func texts(in line: Bytes) -> [Range<Int>] {
        [id, occurred, received, session].compactMap { line.range(of: $0) }.sorted { $0.lowerBound < $1.lowerBound }
    }

    /// Milliseconds since 1970, by the sender's clock; nil where the line does not say.
    package var occurredMilliseconds: Int64? { Timestamp.parse(occurred) }

    /// Milliseconds since 1970, by the gateway's clock; nil where the line does not say.
    package var receivedMilliseconds: Int64? { Timestamp.parse(received) }

    /// The id with its escapes resolved. Allocates: for exceptions only.
    package var idText: String {
        guard id.firstIndex(of: UInt8(ascii: "\\")) != nil else { return id.string }
        var quoted = ByteBuffer(capacity: id.count + 2)
        quoted.append(UInt8(ascii: "\""))
        quoted.append(id)
        quoted.append(UInt8(ascii: "\""))
        var decoded = ByteBuffer(capacity: id.count)
        do throws(JSONError) {
            var reader = JSONReader(quoted.bytes, scratch: JSONScratch())
            try reader.string().decode(in: quoted.bytes, into: &decoded)
        } catch {
            // Not as Sluice writes it: better the raw text than no id.
            return id.string
        }
        return decoded.bytes.string
    }

    /// The content of the string that starts at `place`, which moves behind it; nil when there is
    /// none.
    private static func quoted(_ line: Bytes, at place: inout Int) -> Bytes? {
        guard place < line.count, line[place] == UInt8(ascii: "\"") else { return nil }
        let start = place + 1
        guard let end = line.endOfString(from: start) else { return nil }
        place = end + 1
        return line[start..<end]
    }
}
