/// Topsort's event API, version 2: `POST /v2/events` with up to 50 events in each of four arrays.
///
/// A request is taken whole or not at all, as upstream: anything wrong refuses it, and the answer names
/// array, index and field of all that is. Impressions and clicks with a `resolvedBidId` were served
/// by Topsort and get the network `topsort`; organic ones name an `entity` and get none.
///
/// Shard thread only.
package final class TopsortDecoder: PlatformDecoder {
    /// Who sees to it that an event sent twice is kept once; nobody when nil.
    package var deduplicator: (any Deduplicator)? {
        get { reading.deduplicator }
        set { reading.deduplicator = newValue }
    }

    // All state in one value: an access to a member of an object is checked at run time, an access
    // to a member of a value when it is compiled.
    private var reading: TopsortReading

    package init(
        deduplicator: (any Deduplicator)? = nil,
        identifiers: consuming UUIDv7Generator = UUIDv7Generator()
    ) {
        reading = TopsortReading(
            deduplicator: deduplicator,
            writer: CanonicalWriter(platform: .topsort, identifiers: identifiers))
    }

    package func decode(
        _ request: PlatformRequest, into block: OpenBlock, answer: inout PlatformAnswer
    ) -> DecodeResult {
        answer.reset()
        guard request.path.equals("/v2/events") else { return refused(.notFound, &answer) }
        guard request.method == .post else { return refused(.methodNotAllowed, &answer) }
        // Browsers send a string as text/plain when they cannot ask first.
        let type = MediaType.essence(request.contentType)
        guard
            request.contentType.isEmpty || type.equalsIgnoringCase("application/json")
                || type.equalsIgnoringCase("text/plain")
        else { return refused(.unsupportedMediaType, &answer) }
        return reading.request(request, into: block, answer: &answer)
    }

    package func refuse(_ problem: EdgeProblem, answer: inout PlatformAnswer) {
        answer.reset()
        TopsortAnswer.write(problem, to: &answer)
    }

    private func refused(_ problem: EdgeProblem, _ answer: inout PlatformAnswer) -> DecodeResult {
        refuse(problem, answer: &answer)
        return DecodeResult(rejected: 1)
    }
}
