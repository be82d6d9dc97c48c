// Feeds arbitrary requests to the native decoder, and what it takes to both encoders.
//
// The first byte of an input says what the rest is (j: JSON, t: text that may be one event per
// line, l: lines, p: a query). What is checked, beyond "never traps":
//
// 1. The block grows by as many lines as events are counted, and not at all where none is.
// 2. Every line is valid JSON without duplicate keys on one line, and a canonical event.
// 3. The answer is JSON, or a pixel, and its status agrees with the counts.
// 4. What Topsort's encoder makes of the events, Topsort's decoder takes.
// 5. What the webhook's encoder makes of them, a native decoder takes, unless it nests or holds
//    more than one more gateway can add to.

import SluiceCore

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzNative(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard count > 0 else { return 0 }
    // Safety: libFuzzer hands over `count` readable bytes; they are copied at once, into memory of
    // exactly their size.
    let input = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    let rest = Array(input[1...])
    switch input[0] {
    case UInt8(ascii: "j"): check(rest, .post, "application/json")
    case UInt8(ascii: "t"): check(rest, .post, "text/plain")
    case UInt8(ascii: "l"): check(rest, .post, "application/x-ndjson")
    case UInt8(ascii: "p"): check(rest, .get, "")
    default: return -1  // not worth keeping
    }
    return 0
}

/// Memory of the one fuzzing thread.
// @unchecked: libFuzzer calls on one thread only.
final class Workshop: @unchecked Sendable {
    let json = JSONScratch()
    let reader = CanonicalReader()
    let decoder = NativeDecoder(identifiers: UUIDv7Generator(seed: 1))
    let second = NativeDecoder(identifiers: UUIDv7Generator(seed: 2))
    let topsortDecoder = TopsortDecoder()
    let topsort = TopsortEncoder()
    let webhook = WebhookEncoder(gzip: false, secret: "s")
    let block = OpenBlock(capacity: 65_536)
    let other = OpenBlock(capacity: 65_536)
}

private let workshop = Workshop()

private func check(_ input: [UInt8], _ method: RequestMethod, _ contentType: StaticString) {
    workshop.block.reset(ticket: 1)
    var answer = PlatformAnswer()
    let result = input.withBytes { input in
        workshop.decoder.decode(
            request(method, Bytes(contentType), input), into: workshop.block, answer: &answer)
    }
    let lines = split(workshop.block)
    require(lines.count == result.accepted, "lines and accepted events differ")
    require(workshop.block.eventCount == result.accepted, "the block counts other events")
    let isTaken = result.accepted > 0
    require(isTaken == (answer.status == 200 || answer.status == 202), "status and events differ")
    if answer.contentType != .gif { require(isJSON(answer.body.bytes), "the answer is not JSON") }
    checkLines(lines)
    guard isTaken else { return }
    checkTopsort(lines)
    checkWebhook(lines)
}

private func checkLines(_ lines: [[UInt8]]) {
    var fields = EventFields()
    for line in lines {
        line.withBytes { line in
            require(isJSON(line), "a line is not JSON")
            require((try? workshop.reader.parse(line, into: &fields)) != nil, "a line is not canonical")
            require((try? workshop.reader.parseHead(line, into: &fields)) != nil, "a line has no head")
        }
    }
}

private func checkTopsort(_ lines: [[UInt8]]) {
    workshop.topsort.begin(now: Timestamp.range.upperBound)
    var added = 0
    for line in lines {
        if line.withBytes({ workshop.topsort.add($0) }) == .added { added += 1 }
    }
    var outgoing = OutgoingRequest()
    workshop.topsort.finish(into: &outgoing)
    require(isJSON(outgoing.body.bytes), "Topsort's request is not JSON")
    workshop.other.reset(ticket: 1)
    var answer = PlatformAnswer()
    let result = workshop.topsortDecoder.decode(
        PlatformRequest(
            method: .post, path: Bytes("/v2/events"), query: .empty, contentType: Bytes("application/json"),
            body: outgoing.body.bytes, origin: origin),
        into: workshop.other, answer: &answer)
    require(result.accepted == added, "Topsort's decoder refuses what its encoder made")
}

private func checkWebhook(_ lines: [[UInt8]]) {
    workshop.webhook.begin(now: 0)
    var added = 0
    for line in lines where line.withBytes({ workshop.webhook.add($0) }) == .added { added += 1 }
    var outgoing = OutgoingRequest()
    workshop.webhook.finish(into: &outgoing)
    require(isJSON(outgoing.body.bytes), "the webhook's request is not JSON")
    workshop.other.reset(ticket: 1)
    var answer = PlatformAnswer()
    let result = workshop.second.decode(
        request(.post, Bytes("application/json"), outgoing.body.bytes), into: workshop.other, answer: &answer)
    if result.accepted == added { return }
    let words = answer.body.bytes.string
    require(
        words.contains("nested too deep") || words.contains("256"),
        "a second gateway refuses a webhook's event")
}

private var origin: RequestOrigin {
    RequestOrigin(
        receivedMilliseconds: 1_767_323_045_678, sourceName: Bytes("s"), sourceHash: 1,
        userAgent: Bytes("agent"), referrer: Bytes("https://shop.example/"), address: Bytes("192.0.2.0"))
}

private func request(_ method: RequestMethod, _ contentType: Bytes, _ input: Bytes) -> PlatformRequest {
    let isPixel = method == .get
    return PlatformRequest(
        method: method, path: isPixel ? Bytes("/pixel.gif") : Bytes("/events"),
        query: isPixel ? input : .empty, contentType: contentType, body: isPixel ? .empty : input,
        origin: origin)
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
