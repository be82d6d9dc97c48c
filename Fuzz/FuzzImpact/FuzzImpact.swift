// Feeds arbitrary bodies to impact.com's decoder, as a form and as JSON, and what it takes to its encoder.
//
// What is checked, beyond "never traps":
//
// 1. A request is taken whole, with 200, or not at all, with 400, an error in JSON and a block that is as it
//    was.
// 2. The line is JSON without duplicate keys, and a canonical event.
// 3. What the encoder makes of the event is a form of printable ASCII without a space, and decodes to the same
//    event, `ext` apart, where JSON's numbers have become text.
// 4. The bytes, taken as an upstream's answer, are understood or passed over.

import SluiceCore

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzImpact(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
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
    let decoder = ImpactDecoder(identifiers: UUIDv7Generator(seed: 1))
    let encoder = ImpactEncoder(accountSID: "IRsid1", campaignID: 1, eventTypeID: 2)
    let block = OpenBlock(capacity: 65_536)
    let other = OpenBlock(capacity: 65_536)
}

private let workshop = Workshop()

private func check(_ input: [UInt8]) {
    workshop.block.reset(ticket: 1)
    let before = workshop.block.mark
    var answer = PlatformAnswer()
    input.withBytes { decode($0, into: workshop.block, &answer) }
    let after = workshop.block.mark
    require(isJSON(answer.body.bytes), "the answer is not JSON")
    for status in [200, 400] {
        _ = workshop.encoder.classify(UpstreamAnswer(status: status, body: input), eventCount: 1)
    }
    guard answer.status == 200 else {
        require(answer.status == 400, "another status")
        require(after.bytes == before.bytes && after.events == before.events, "half a request")
        require(after.filterHashes == 0 && after.fingerprints == 0, "hashes of a refused request")
        return
    }
    require(after.events == 1, "200 without an event")
    let payload = workshop.block.payload.bytes
    checkLine(payload[0..<payload.count - 1].array)
}

private func checkLine(_ line: [UInt8]) {
    var fields = EventFields()
    workshop.encoder.begin(now: 0)
    let result = line.withBytes { line in
        require(line.firstIndex(of: 0x0A) == nil, "more than one line")
        require(isJSON(line), "a line is not JSON")
        require((try? workshop.reader.parse(line, into: &fields)) != nil, "a line is not canonical")
        return workshop.encoder.add(line)
    }
    if case .unfit = result { return }
    require(result == .added, "the encoder misses a field of an event of its own platform")
    var outgoing = OutgoingRequest()
    workshop.encoder.finish(into: &outgoing)
    let form = outgoing.body.bytes
    for index in 0..<form.count { require(form[index] > 0x20 && form[index] < 0x7F, "not a form") }
    workshop.other.reset(ticket: 1)
    var answer = PlatformAnswer()
    decode(form, into: workshop.other, &answer)
    require(answer.status == 200, "the decoder refuses what the encoder made")
    require(
        essence(workshop.other.payload.bytes.array) == essence(line + [0x0A]), "an event changed on its way")
}

/// The line without its id, which is made for each, and without `ext`.
private func essence(_ line: [UInt8]) -> String {
    // No string can hold this unescaped, and no named object has such a member.
    let text = String(decoding: line.dropFirst(44), as: UTF8.self)
    guard let range = text.firstRange(of: ",\"ext\":{") else { return text }
    return String(text[..<range.lowerBound])
}

private func decode(_ body: Bytes, into block: OpenBlock, _ answer: inout PlatformAnswer) {
    _ = workshop.decoder.decode(
        PlatformRequest(
            method: .post, path: Bytes("/Advertisers/IRsid1/Conversions"), query: .empty,
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
