// Feeds arbitrary requests to GoWit's decoder, and what it takes to the encoders of all platforms.
//
// The first byte of an input says where the rest goes: `q` to the query of the SDK's ad events, `s` to
// the body of its sales, anything else to the body of a server event.
//
// What is checked, beyond "never traps":
//
// 1. A request is taken whole, with 204 and no body, or not at all, with a JSON error and a block
//    that is as it was.
// 2. Every line is valid JSON without duplicate keys on one line, and a canonical event.
// 3. What the encoder makes of an event of the server form decodes to the same event.
// 4. What other encoders make of it is JSON, or a URL of harmless characters.
// 5. The bytes, taken as an upstream's error, are understood or passed over.

import SluiceCore

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzGowit(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // Safety: libFuzzer hands over `count` readable bytes; they are copied at once, into memory of
    // exactly their size.
    let input = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    guard let first = input.first else { return 0 }
    check(Array(input.dropFirst()), first)
    return 0
}

/// Memory of the one fuzzing thread.
// @unchecked: libFuzzer calls on one thread only.
final class Workshop: @unchecked Sendable {
    let json = JSONScratch()
    let reader = CanonicalReader()
    let decoder = GowitDecoder()
    let encoder = GowitEncoder(marketplaceID: "m")
    let kevel = KevelEncoder(networkID: "1")
    let topsort = TopsortEncoder()
    let webhook = WebhookEncoder(gzip: false, secret: nil)
    let block = OpenBlock(capacity: 65_536)
    let other = OpenBlock(capacity: 65_536)
}

private let workshop = Workshop()

private func check(_ input: [UInt8], _ kind: UInt8) {
    workshop.block.reset(ticket: 1)
    workshop.block.payload.append("{\"earlier\":1}\n")
    workshop.block.finishEvent(receivedMilliseconds: 1)
    let before = workshop.block.mark
    var answer = PlatformAnswer()
    let result = input.withBytes { decode($0, kind, into: workshop.block, &answer) }
    let after = workshop.block.mark
    if answer.status == 204 {
        require(result.accepted > 0 && answer.body.isEmpty, "204 without events, or with a body")
        require(after.events == before.events + result.accepted, "the block counts other events")
    } else {
        require(answer.status == 400, "another status")
        require(
            result.accepted == 0 && after.bytes == before.bytes && after.events == before.events,
            "half a request")
        require(after.filterHashes == 0 && after.fingerprints == 0, "hashes of a refused request")
        require(isJSON(answer.body.bytes), "the answer is not JSON")
    }
    _ = workshop.encoder.classify(UpstreamAnswer(status: 400, body: input), eventCount: 1)
    let lines = Array(split(workshop.block).dropFirst())
    require(lines.count == result.accepted, "lines and accepted events differ")
    for line in lines { checkLine(line, isServerForm: kind != 0x71 && kind != 0x73) }
}

private func checkLine(_ line: [UInt8], isServerForm: Bool) {
    var fields = EventFields()
    line.withBytes { line in
        require(isJSON(line), "a line is not JSON")
        require((try? workshop.reader.parse(line, into: &fields)) != nil, "a line is not canonical")
    }
    checkOthers(line)
    workshop.encoder.begin(now: 0)
    let result = line.withBytes { workshop.encoder.add($0) }
    // Only the SDK may leave the session out.
    guard isServerForm || result == .added else { return }
    require(result == .added, "the encoder refuses an event of its own platform")
    var outgoing = OutgoingRequest()
    workshop.encoder.finish(into: &outgoing)
    require(isJSON(outgoing.body.bytes), "the request is not JSON")
    guard isServerForm else { return }
    workshop.other.reset(ticket: 1)
    var answer = PlatformAnswer()
    _ = decode(outgoing.body.bytes, 0, into: workshop.other, &answer)
    require(answer.status == 204, "the decoder refuses what the encoder made")
    let again = split(workshop.other)
    require(again.count == 1, "one event became several")
    require(known(line) == known(again[0]), "an event changed on its way out and in")
}

private func checkOthers(_ line: [UInt8]) {
    workshop.webhook.begin(now: 0)
    workshop.topsort.begin(now: 0)
    workshop.kevel.begin(now: 0)
    var hook = OutgoingRequest()
    line.withBytes { _ = workshop.webhook.add($0) }
    workshop.webhook.finish(into: &hook)
    require(isJSON(hook.body.bytes), "the webhook's request is not JSON")
    var other = OutgoingRequest()
    line.withBytes { _ = workshop.topsort.add($0) }
    workshop.topsort.finish(into: &other)
    require(isJSON(other.body.bytes), "Topsort's request is not JSON")
    guard line.withBytes({ workshop.kevel.add($0) }) == .added else { return }
    for part in 0..<workshop.kevel.partCount {
        var request = OutgoingRequest()
        workshop.kevel.finish(part: part, into: &request)
        for byte in request.path.bytes.array {
            require(
                byte > 0x20 && byte < 0x7F && byte != 0x23 && byte != 0x2B,
                "Kevel's URL holds what it must not")
        }
    }
}

/// The line from its type on, without the members that have no canonical name. A request id is the
/// event's id; other ids are assigned anew.
private func known(_ line: [UInt8]) -> String {
    // No string can hold these unescaped, and no named object has such members.
    var text = String(decoding: line, as: UTF8.self)[...]
    if let type = text.firstRange(of: ",\"type\":\"") { text = text[type.lowerBound...] }
    if let ext = text.firstRange(of: ",\"ext\":{") { text = text[..<ext.lowerBound] + "}" }
    return String(text)
}

private func decode(
    _ input: Bytes, _ kind: UInt8, into block: OpenBlock, _ answer: inout PlatformAnswer
) -> DecodeResult {
    let isQuery = kind == 0x71
    let path: StaticString =
        isQuery ? "/server/sdk/events" : kind == 0x73 ? "/server/sdk/sale_events" : "/events"
    return workshop.decoder.decode(
        PlatformRequest(
            method: isQuery ? .get : .post, path: Bytes(path), query: isQuery ? input : .empty,
            contentType: Bytes("application/json"), body: isQuery ? .empty : input,
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
