// Feeds arbitrary queries and forms to Kevel's decoder, and what it takes to the encoders of all
// platforms.
//
// An input is a query up to its first line feed, and a form behind it.
//
// What is checked, beyond "never traps":
//
// 1. A request becomes one event, with 204, or none, with a text and a block that is as it was.
// 2. The line is valid JSON without duplicate keys on one line, and a canonical event.
// 3. What the encoder makes of it decodes to the same event.
// 4. A URL holds harmless characters only, and one question mark.
// 5. What other encoders make of it is JSON.

import SluiceCore

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzKevel(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // Safety: libFuzzer hands over `count` readable bytes; they are copied at once, into memory of
    // exactly their size.
    let input = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    let end = input.firstIndex(of: 0x0A) ?? input.count
    check(Array(input[..<end]), Array(input[min(end + 1, input.count)...]))
    return 0
}

/// Memory of the one fuzzing thread.
// @unchecked: libFuzzer calls on one thread only.
final class Workshop: @unchecked Sendable {
    let json = JSONScratch()
    let reader = CanonicalReader()
    let decoder = KevelDecoder(identifiers: UUIDv7Generator(seed: 1))
    let encoder = KevelEncoder(networkID: "1")
    let gowit = GowitEncoder(marketplaceID: "m")
    let topsort = TopsortEncoder()
    let webhook = WebhookEncoder(gzip: false, secret: nil)
    let block = OpenBlock(capacity: 65_536)
    let other = OpenBlock(capacity: 65_536)
}

private let workshop = Workshop()

private func check(_ query: [UInt8], _ body: [UInt8]) {
    workshop.block.reset(ticket: 1)
    var answer = PlatformAnswer()
    let result = query.withBytes { query in
        body.withBytes { decode(query, $0, into: workshop.block, &answer) }
    }
    guard answer.status == 204 else {
        require(answer.status == 400 && !answer.body.isEmpty, "another status, or no words")
        require(result.accepted == 0 && workshop.block.payload.isEmpty, "half a request")
        require(workshop.block.filterHashes.count == 0, "hashes of a refused request")
        for byte in answer.body.bytes.array { require(byte >= 0x20, "a control character in the answer") }
        return
    }
    require(result.accepted == 1 && answer.body.isEmpty, "204 without an event, or with a body")
    checkLine(line(of: workshop.block))
}

private func checkLine(_ event: [UInt8]) {
    var fields = EventFields()
    event.withBytes { line in
        require(isJSON(line), "a line is not JSON")
        require((try? workshop.reader.parse(line, into: &fields)) != nil, "a line is not canonical")
    }
    checkOthers(event)
    workshop.encoder.begin(now: 0)
    require(
        event.withBytes { workshop.encoder.add($0) } == .added,
        "the encoder refuses an event of its own platform")
    require(workshop.encoder.partCount == 1, "one item became several")
    var outgoing = OutgoingRequest()
    workshop.encoder.finish(part: 0, into: &outgoing)
    let path = outgoing.path.bytes.array
    for byte in path {
        require(byte > 0x20 && byte < 0x7F && byte != 0x23 && byte != 0x2B, "the URL holds what it must not")
    }
    let parts = path.split(separator: 0x3F, omittingEmptySubsequences: false)
    require(parts.count == 2, "the URL has other than one query")
    workshop.other.reset(ticket: 1)
    var answer = PlatformAnswer()
    _ = Array(parts[1]).withBytes { decode($0, .empty, into: workshop.other, &answer) }
    require(answer.status == 204, "the decoder refuses what the encoder made")
    require(known(event) == known(line(of: workshop.other)), "an event changed on its way out and in")
}

/// The one line of a block.
private func line(of block: OpenBlock) -> [UInt8] {
    let payload = block.payload.bytes
    require(payload.firstIndex(of: 0x0A) == payload.count - 1, "the block holds other than one line")
    return payload[0..<payload.count - 1].array
}

private func checkOthers(_ line: [UInt8]) {
    workshop.webhook.begin(now: 0)
    workshop.topsort.begin(now: 0)
    workshop.gowit.begin(now: 0)
    var hook = OutgoingRequest()
    line.withBytes { _ = workshop.webhook.add($0) }
    workshop.webhook.finish(into: &hook)
    require(isJSON(hook.body.bytes), "the webhook's request is not JSON")
    var other = OutgoingRequest()
    line.withBytes { _ = workshop.topsort.add($0) }
    workshop.topsort.finish(into: &other)
    require(isJSON(other.body.bytes), "Topsort's request is not JSON")
    guard line.withBytes({ workshop.gowit.add($0) }) == .added else { return }
    var third = OutgoingRequest()
    workshop.gowit.finish(into: &third)
    require(isJSON(third.body.bytes), "GoWit's request is not JSON")
}

/// The line from its type on, without the members that have no canonical name: ids are assigned, and
/// parameters may stand in another order.
private func known(_ line: [UInt8]) -> String {
    // No string can hold these unescaped, and no named object has such members.
    var text = String(decoding: line, as: UTF8.self)[...]
    if let type = text.firstRange(of: ",\"type\":\"") { text = text[type.lowerBound...] }
    if let ext = text.firstRange(of: ",\"ext\":{") { text = text[..<ext.lowerBound] + "}" }
    return String(text)
}

private func decode(
    _ query: Bytes, _ body: Bytes, into block: OpenBlock, _ answer: inout PlatformAnswer
) -> DecodeResult {
    workshop.decoder.decode(
        PlatformRequest(
            method: .post, path: Bytes("/c/1/purchase"), query: query,
            contentType: Bytes("application/x-www-form-urlencoded"), body: body,
            origin: RequestOrigin(
                receivedMilliseconds: 1_767_323_045_678, sourceName: Bytes("s"), sourceHash: 1)),
        into: block, answer: &answer)
}

private func isJSON(_ text: Bytes) -> Bool {
    var reader = JSONReader(text, scratch: workshop.json, depthMax: JSONScratch.depthLimit)
    return (try? reader.skipValue()) != nil && (try? reader.end()) != nil
}

private func require(_ condition: Bool, _ message: StaticString) {
    if !condition { fatalError("\(message)") }
}
