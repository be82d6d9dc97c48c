/// The gateway's own protocol: canonical events as JSON, and a pixel.
///
/// `POST /events` takes an object, an array, `{"events":[…]}`, or one object per line. The body is
/// JSON whatever a browser or curl calls it: `application/json`, `text/plain` (sendBeacon of a
/// string), `application/x-www-form-urlencoded` (curl's default), or nothing. Good events of a
/// batch are kept when others are bad; a body that is not JSON is refused as a whole, except line
/// by line where there is one event per line.
///
/// `GET /pixel.gif?type=click&user.id=…` takes one event as parameters; see `NativePixel.swift`.
///
/// Shard thread only.
package final class NativeDecoder: PlatformDecoder {
    /// Who sees to it that an event sent twice is kept once; nobody when nil.
    package var deduplicator: (any Deduplicator)? {
        get { reading.deduplicator }
        set { reading.deduplicator = newValue }
    }

    // All state in one value: an access to a member of an object is checked at run time, an access
    // to a member of a value when it is compiled.
    private var reading: NativeReading

    package init(
        deduplicator: (any Deduplicator)? = nil,
        identifiers: consuming UUIDv7Generator = UUIDv7Generator()
    ) {
        reading = NativeReading(
            deduplicator: deduplicator,
            writer: CanonicalWriter(platform: .native, identifiers: identifiers))
    }

    package func decode(
        _ request: PlatformRequest, into block: OpenBlock, answer: inout PlatformAnswer
    ) -> DecodeResult {
        answer.reset()
        if request.path.equals("/pixel.gif") {
            guard request.method == .get || request.method == .head else {
                return refused(.methodNotAllowed, &answer)
            }
            return reading.pixel(request, into: block, answer: &answer)
        }
        guard request.path.equals("/events") else { return refused(.notFound, &answer) }
        guard request.method == .post else { return refused(.methodNotAllowed, &answer) }
        guard let form = NativeDecoder.form(of: request.contentType) else {
            return refused(.unsupportedMediaType, &answer)
        }
        if form == .lines || NativeDecoder.looksLikeLines(request.body) {
            return reading.lines(request, into: block, answer: &answer)
        }
        return reading.value(request, into: block, answer: &answer)
    }

    package func refuse(_ problem: EdgeProblem, answer: inout PlatformAnswer) {
        answer.reset()
        NativeReport.write(problem, to: &answer)
    }

    private func refused(_ problem: EdgeProblem, _ answer: inout PlatformAnswer) -> DecodeResult {
        refuse(problem, answer: &answer)
        return DecodeResult(rejected: 1)
    }

    // MARK: media types

    private enum BodyForm {
        case json, lines
    }

    /// What a body of this type is, or nil.
    private static func form(of contentType: Bytes) -> BodyForm? {
        let type = MediaType.essence(contentType)
        if type.equalsIgnoringCase("application/json") || contentType.isEmpty
            || type.equalsIgnoringCase("text/plain")
            || type.equalsIgnoringCase("application/x-www-form-urlencoded")
        {
            return .json
        }
        if type.equalsIgnoringCase("application/x-ndjson") || type.equalsIgnoringCase("application/ndjson")
            || type.equalsIgnoringCase("application/jsonl")
        {
            return .lines
        }
        return nil
    }

    /// Whether a body of any JSON type holds one event per line: its first line is `{…}`, and what
    /// comes next cannot go on with that object, as it could if it were written over several lines.
    static func looksLikeLines(_ body: Bytes) -> Bool {
        var start = 0
        while start < body.count, Bytes.isJSONSpace(body[start]) { start += 1 }
        guard start < body.count, body[start] == 0x7B,
            let lineFeed = body.firstIndex(of: 0x0A, from: start)
        else { return false }
        var end = lineFeed
        while end > start, Bytes.isJSONSpace(body[end - 1]) { end -= 1 }
        guard body[end - 1] == 0x7D else { return false }
        var next = lineFeed
        while next < body.count, Bytes.isJSONSpace(body[next]) { next += 1 }
        // A bracket ends the list in `{"events":[{…}` of the line before.
        return next < body.count && body[next] != 0x2C && body[next] != 0x7D && body[next] != 0x5D
    }
}
