/// impact.com's conversion API: `POST /Advertisers/{sid}/Conversions` with one conversion as a form, or
/// the same flat names as JSON.
///
/// A conversion is a purchase. It is taken whole or not at all, and the answer to one that is not names
/// every failing field. What the canonical event has no name for is kept in `ext.impact` under the name
/// it came with; item parameters without a canonical name as one list for all items. Aliases
/// become the names they stand for, unless both are given: then the alias is kept beside its name.
///
/// The protocol has no idempotency key, so the event's id is made here; the answer's `QueuedUri` ends
/// with it.
///
/// Shard thread only.
package final class ImpactDecoder: PlatformDecoder {
    private static let schema = EventSchema([ObjectSchema("", [])])

    private let json = JSONScratch()
    private var fields = EventFields()
    private var draft: ImpactDraft
    private var writer: CanonicalWriter

    package init(identifiers: consuming UUIDv7Generator = UUIDv7Generator()) {
        draft = ImpactDraft(json: JSONScratch())
        writer = CanonicalWriter(platform: .impact, identifiers: identifiers)
    }

    package func decode(
        _ request: PlatformRequest, into block: OpenBlock, answer: inout PlatformAnswer
    ) -> DecodeResult {
        answer.reset()
        guard let account = ImpactDecoder.account(of: request.path) else { return refused(.notFound, &answer) }
        guard request.method == .post else { return refused(.methodNotAllowed, &answer) }
        guard let kind = BodyKind.of(request.body, contentType: request.contentType) else {
            return refused(.unsupportedMediaType, &answer)
        }
        fields.begin(input: request.body)
        fields.addressPolicy = request.origin.addressPolicy
        draft.begin(receivedMilliseconds: request.origin.receivedMilliseconds)
        do throws(JSONError) {
            guard try read(request.body, as: kind, &fields) else {
                ImpactAnswer.writeNotAnObject(to: &answer)
                return DecodeResult(rejected: 1)
            }
        } catch {
            ImpactAnswer.write(error, to: &answer)
            return DecodeResult(rejected: 1)
        }
        draft.finish(into: &fields)
        guard draft.problems.isEmpty else {
            ImpactAnswer.write(draft.problems, fields, to: &answer)
            return DecodeResult(rejected: 1)
        }
        var result = DecodeResult()
        fields.type = .purchase
        fields.mark(.type)
        _ = writer.write(
            &fields, schema: ImpactDecoder.schema, origin: request.origin, into: block, deduplicator: nil)
        result.count(.purchase)
        ImpactAnswer.writeQueued(account: account, id: fields.text(.id) ?? .empty, to: &answer)
        return result
    }

    private func read(
        _ body: Bytes, as kind: BodyKind, _ fields: inout EventFields
    ) throws(JSONError) -> Bool {
        // A request without a body lacks every field, in whichever form.
        guard kind == .json, !body.isBlank else {
            if !body.isBlank { draft.readForm(body, into: &fields) }
            return true
        }
        var reader = JSONReader(body, scratch: json, depthMax: CoreLimits.jsonDepthMax)
        return try draft.readJSON(&reader, into: &fields)
    }

    package func refuse(_ problem: EdgeProblem, answer: inout PlatformAnswer) {
        answer.reset()
        ImpactAnswer.write(problem, to: &answer)
    }

    private func refused(_ problem: EdgeProblem, _ answer: inout PlatformAnswer) -> DecodeResult {
        refuse(problem, answer: &answer)
        return DecodeResult(rejected: 1)
    }

    /// The account of `/Advertisers/{sid}/Conversions`: letters, digits, `-` and `_`.
    private static func account(of path: Bytes) -> Bytes? {
        let head: StaticString = "/Advertisers/"
        let tail = Bytes("/Conversions")
        guard path.hasPrefix(head), path.count > head.utf8CodeUnitCount + tail.count,
            path[path.count - tail.count..<path.count].equals(tail)
        else { return nil }
        let account = path[head.utf8CodeUnitCount..<path.count - tail.count]
        guard account.count <= CoreLimits.wordBytesMax else { return nil }
        for index in 0..<account.count {
            let byte = account[index]
            let isLetter = (byte | 0x20) &- 0x61 < 26
            guard isLetter || byte &- 0x30 < 10 || byte == 0x2D || byte == 0x5F else { return nil }
        }
        return account
    }
}
