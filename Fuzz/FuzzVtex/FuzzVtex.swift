// Feeds arbitrary requests to VTEX Ads' decoder, and what it takes to its encoder and the webhook's.
//
// The first byte chooses the beacon and the content type. Of an ad event the second line is the query.
//
// What is checked, beyond "never traps":
//
// 1. A request is taken whole, with 202, or not at all, with a list of errors in JSON and a block that is
//    as it was.
// 2. The line is JSON without duplicate keys, and a canonical event.
// 3. What the encoder makes of the event goes to the same path and query, byte for byte, and decodes to the
//    same line.
// 4. The bytes, taken as an upstream's error, are understood or passed over.

import SluiceCore

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzVtex(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // Safety: libFuzzer hands over `count` readable bytes; they are copied at once, into memory of
    // exactly their size.
    let input = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    guard let first = input.first else { return 0 }
    check(Array(input.dropFirst()), kind: Int(first & 3), type: Int(first >> 2 & 3))
    return 0
}

/// Memory of the one fuzzing thread.
// @unchecked: libFuzzer calls on one thread only.
final class Workshop: @unchecked Sendable {
    let json = JSONScratch()
    let reader = CanonicalReader()
    let decoder = VtexDecoder(directory: nil, identifiers: UUIDv7Generator(seed: 1))
    let encoder = VtexEncoder(publisherID: "pub-1")
    let webhook = WebhookEncoder(gzip: false, secret: nil)
    let block = OpenBlock(capacity: 65_536)
    let other = OpenBlock(capacity: 65_536)
}

private let workshop = Workshop()
private let paths: [StaticString] = [
    "/v1/beacon/impression/ad%201", "/v1/beacon/view/ad", "/v1/beacon/click/ad", "/v1/beacon/conversion",
]
private let types: [StaticString] = [
    "application/json", "application/x-www-form-urlencoded", "text/plain", "",
]

private func check(_ input: [UInt8], kind: Int, type: Int) {
    var query: [UInt8] = []
    var body = input
    if kind < 3, let end = input.firstIndex(of: 0x0A) {
        query = Array(input[..<end])
        body = Array(input[(end + 1)...])
    }
    workshop.block.reset(ticket: 1)
    let before = workshop.block.mark
    var answer = PlatformAnswer()
    decode(body, query, paths[kind], types[type], into: workshop.block, &answer)
    let after = workshop.block.mark
    require(isJSON(answer.body.bytes), "the answer is not JSON")
    body.withBytes { _ = workshop.encoder.classify(UpstreamAnswer(status: 422, body: $0.array), eventCount: 1) }
    guard answer.status == 202 else {
        require(answer.status == 400 || answer.status == 422 || answer.status == 431, "another status")
        require(after.bytes == before.bytes && after.events == before.events, "half a request")
        require(after.filterHashes == 0 && after.fingerprints == 0, "hashes of a refused request")
        return
    }
    require(after.events == 1, "202 without an event")
    let payload = workshop.block.payload.bytes
    let line = payload[0..<payload.count - 1].array
    checkLine(line, query, kind)
}

private func checkLine(_ line: [UInt8], _ query: [UInt8], _ kind: Int) {
    var fields = EventFields()
    workshop.encoder.begin(now: 0)
    workshop.webhook.begin(now: 0)
    line.withBytes { line in
        require(line.firstIndex(of: 0x0A) == nil, "more than one line")
        require(isJSON(line), "a line is not JSON")
        require((try? workshop.reader.parse(line, into: &fields)) != nil, "a line is not canonical")
        require(workshop.encoder.add(line) == .added, "the encoder refuses an event of its own platform")
        _ = workshop.webhook.add(line)
    }
    var hook = OutgoingRequest()
    workshop.webhook.finish(into: &hook)
    require(isJSON(hook.body.bytes), "the webhook's request is not JSON")
    var outgoing = OutgoingRequest()
    workshop.encoder.finish(into: &outgoing)
    require(isJSON(outgoing.body.bytes), "the request is not JSON")
    var path = ByteBuffer(capacity: 64)
    path.append(paths[kind])
    if !query.isEmpty {
        path.append(0x3F)
        query.withBytes { path.append($0) }
    }
    require(outgoing.path.bytes.equals(path.bytes), "another path or query")
    workshop.other.reset(ticket: 1)
    var answer = PlatformAnswer()
    decode(outgoing.body.bytes.array, query, paths[kind], types[0], into: workshop.other, &answer)
    require(answer.status == 202, "the decoder refuses what the encoder made")
    let again = workshop.other.payload.bytes
    if kind == 3 {
        // The publisher is the destination's.
        require(withoutExtension(again.array) == withoutExtension(line + [0x0A]), "a conversion changed on its way")
    } else {
        require(withoutID(again.array) == withoutID(line + [0x0A]), "an event changed on its way")
    }
}

/// An ad event's id is made for each: the first 44 bytes are `{"id":"…"`.
private func withoutID(_ line: [UInt8]) -> [UInt8] { Array(line.dropFirst(44)) }

private func withoutExtension(_ line: [UInt8]) -> String {
    // No string can hold this unescaped, and no named object has such a member.
    let text = String(decoding: line, as: UTF8.self)
    guard let range = text.firstRange(of: ",\"ext\":{") else { return text }
    return String(text[..<range.lowerBound])
}

private func decode(
    _ body: [UInt8], _ query: [UInt8], _ path: StaticString, _ type: StaticString, into block: OpenBlock,
    _ answer: inout PlatformAnswer
) {
    var origin = RequestOrigin(receivedMilliseconds: 1_767_323_045_678, sourceName: Bytes("s"), sourceHash: 1)
    // So that an event without an email address is taken, and taken again.
    origin.lenient = true
    body.withBytes { body in
        query.withBytes { query in
            _ = workshop.decoder.decode(
                PlatformRequest(
                    method: .post, path: Bytes(path), query: query, contentType: Bytes(type), body: body,
                    origin: origin),
                into: block, answer: &answer)
        }
    }
}

private func isJSON(_ text: Bytes) -> Bool {
    var reader = JSONReader(text, scratch: workshop.json, depthMax: JSONScratch.depthLimit)
    return (try? reader.skipValue()) != nil && (try? reader.end()) != nil
}

private func require(_ condition: Bool, _ message: StaticString) {
    if !condition { fatalError("\(message)") }
}
