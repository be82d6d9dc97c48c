// Feeds arbitrary bodies to Topsort's decoder, and what it takes to both encoders.
//
// What is checked, beyond "never traps":
//
// 1. A request is taken whole, with 204 and no body, or not at all, with a JSON error and a block
//    that is as it was.
// 2. Every line is valid JSON without duplicate keys on one line, and a canonical event.
// 3. What the encoder makes of the events decodes to the same events, `ext` apart.
// 4. What the webhook's encoder makes of them is JSON.
// 5. The bytes, taken as an upstream's error, are understood or passed over.

import SluiceCore

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzTopsort(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // Safety: libFuzzer hands over `count` readable bytes; they are copied at once, into memory of
    // exactly their size.
    let input = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    check(input)
    return 0
}

/// Memory of the one fuzzing thread.
// @unchecked: libFuzzer calls on one thread only.
final class Workshop: @unchecked Sendable {
    let json = JSONScratch()
    let reader = CanonicalReader()
    let decoder = TopsortDecoder()
    let encoder = TopsortEncoder()
    let webhook = WebhookEncoder(gzip: false, secret: nil)
    let block = OpenBlock(capacity: 65_536)
    let other = OpenBlock(capacity: 65_536)
}

private let workshop = Workshop()

private func check(_ input: [UInt8]) {
    workshop.block.reset(ticket: 1)
    workshop.block.payload.append("{\"earlier\":1}\n")
    workshop.block.finishEvent(receivedMilliseconds: 1)
    let before = workshop.block.mark
    var answer = PlatformAnswer()
    let result = input.withBytes { decode($0, into: workshop.block, &answer) }
    let after = workshop.block.mark
    if answer.status == 204 {
        require(result.accepted > 0 && answer.body.isEmpty, "204 without events, or with a body")
        require(after.events == before.events + result.accepted, "the block counts other events")
    } else {
        require(answer.status == 400 || answer.status == 422, "another status")
        require(
            result.accepted == 0 && after.bytes == before.bytes && after.events == before.events,
            "half a request")
        require(after.filterHashes == 0 && after.fingerprints == 0, "hashes of a refused request")
        require(isJSON(answer.body.bytes), "the answer is not JSON")
    }
    input.withBytes {
        _ = workshop.encoder.classify(UpstreamAnswer(status: 400, body: $0.array), eventCount: 1)
    }
    let lines = Array(split(workshop.block).dropFirst())
    require(lines.count == result.accepted, "lines and accepted events differ")
    if !lines.isEmpty { checkLines(lines) }
}

private func checkLines(_ lines: [[UInt8]]) {
    var fields = EventFields()
    workshop.encoder.begin(now: Timestamp.range.upperBound)
    workshop.webhook.begin(now: 0)
    for line in lines {
        line.withBytes { line in
            require(isJSON(line), "a line is not JSON")
            require((try? workshop.reader.parse(line, into: &fields)) != nil, "a line is not canonical")
            require(workshop.encoder.add(line) == .added, "the encoder refuses an event of its own platform")
            _ = workshop.webhook.add(line)
        }
    }
    var hook = OutgoingRequest()
    workshop.webhook.finish(into: &hook)
    require(isJSON(hook.body.bytes), "the webhook's request is not JSON")
    var outgoing = OutgoingRequest()
    workshop.encoder.finish(into: &outgoing)
    workshop.other.reset(ticket: 1)
    var answer = PlatformAnswer()
    _ = decode(outgoing.body.bytes, into: workshop.other, &answer)
    require(answer.status == 204, "the decoder refuses what the encoder made")
    let first = lines.map(withoutExtension).sorted()
    let second = split(workshop.other).map(withoutExtension).sorted()
    require(first == second, "events changed on their way out and in")
}

private func withoutExtension(_ line: [UInt8]) -> String {
    // No string can hold this unescaped, and no named object has such a member.
    let text = String(decoding: line, as: UTF8.self)
    guard let range = text.firstRange(of: ",\"ext\":{") else { return text }
    return String(text[..<range.lowerBound]) + "}"
}

private func decode(_ body: Bytes, into block: OpenBlock, _ answer: inout PlatformAnswer) -> DecodeResult {
    workshop.decoder.decode(
        PlatformRequest(
            method: .post, path: Bytes("/v2/events"), query: .empty, contentType: Bytes("application/json"),
            body: body,
            origin: RequestOrigin(
                receivedMilliseconds: 1_767_323_045_678, sourceName: Bytes("s"), sourceHash: 1)),
        into: block, answer: &answer)
}

private func isJSON(_ text: Bytes) -> Bool {
    var reader = JSONReader(text, scratch: workshop.json, depthMax: JSONScratch.depthLimit)
    return (try? reader.skipValue()) != nil && (try? reader.end()) != nil
}

private func split(_ block: OpenBlock) -> [[UInt8]] {
    let payload = block.payload.bytes
    var lines: [[UInt8]] = []
    var start = 0
    while let end = payload.firstIndex(of: 0x0A, from: start) {
        lines.append(payload[start..<end].array)
        start = end + 1
    }
    require(start == payload.count, "the block does not end with a line feed")
    return lines
}

private func require(_ condition: Bool, _ message: StaticString) {
    if !condition { fatalError("\(message)") }
}
