// Reads random bytes as request heads, chunked bodies and queries, and traps where two readings that
// must agree do not: whole against cut, and one implementation against another.
//
// The first byte of an input says what the rest is (h: heads, c: a chunked body, q: a query), the
// second seeds the cuts.

import SluiceCore
import SluiceHTTP

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHTTP(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count >= 2 else { return 0 }
    // Safety: libFuzzer lends `count` bytes for the time of the call.
    let input = unsafe Bytes(start: data, count: count)
    let rest = input[2..<count]
    switch input[0] {
    case UInt8(ascii: "h"): fuzzHeads(rest, seed: input[1])
    case UInt8(ascii: "c"): fuzzChunked(rest, seed: input[1])
    case UInt8(ascii: "q"): fuzzQuery(rest)
    default: return -1  // not worth keeping
    }
    return 0
}

/// The lengths of pieces, from a seed.
struct Cuts {
    private var state: UInt32

    init(seed: UInt8) { state = UInt32(seed) &* 2_654_435_761 | 1 }

    /// 1...16 mostly, sometimes more.
    mutating func next() -> Int {
        state ^= state << 13
        state ^= state >> 17
        state ^= state << 5
        return state & 0x700 == 0 ? Int(state & 0xFF) + 1 : Int(state & 0xF) + 1
    }
}

let limits = HTTPLimits(headBytes: 2_048, headerLines: 20)

// MARK: heads

/// One reading of the head at the start of `bytes`, written out. Answers the head's length, or nil
/// when it is incomplete or refused.
func readHead(
    _ bytes: Bytes, seed: UInt8?, _ implementation: HTTPImplementation, into text: inout ByteBuffer
) -> Int? {
    var parser = HTTPRequestParser(implementation: implementation)
    var cuts = Cuts(seed: seed ?? 0)
    var arrived = 0
    while true {
        arrived = seed == nil ? bytes.count : min(bytes.count, arrived + cuts.next())
        // A copy of its own, so that a sanitizer sees every read behind its end.
        let piece = bytes[0..<arrived].array
        let length: Int?? = piece.withBytes { view in
            switch parser.parseHead(view, limits: limits) {
            case .incomplete: return arrived == bytes.count ? .some(nil) : .none
            case .refused(let problem):
                text.append(problem.code)
                text.append(parser.fault!.label)
                return .some(nil)
            case .head(let head):
                describe(head, into: &text)
                return .some(head.headBytes)
            }
        }
        if let length { return length }
    }
}

func describe(_ head: HTTPRequestHead, into text: inout ByteBuffer) {
    let fields: [Bytes] = [
        head.methodText, head.target, head.path, head.query, head.host, head.authorization,
        head.contentType, head.contentEncoding, head.origin, head.userAgent, head.referrer, head.accept,
        head.dataSourceUUID, head.accessControlRequestMethod, head.accessControlRequestHeaders,
        head.header("x") ?? .empty, head.header("host") ?? .empty, head.header("cookie") ?? .empty,
    ]
    for field in fields {
        text.appendDecimal(field.count)
        text.append(":")
        text.append(field)
    }
    let numbers: [Int] = [
        Int(head.method.rawValue), head.versionMinor, head.keepAlive ? 1 : 0, head.expectsContinue ? 1 : 0,
        head.headBytes,
    ]
    for number in numbers {
        text.append(",")
        text.appendDecimal(number)
    }
    switch head.framing {
    case .none: text.append("none")
    case .chunked: text.append("chunked")
    case .length(let length): text.appendDecimal(length)
    }
    precondition(head.versionMinor == 0 || !head.host.isEmpty, "a host in every HTTP/1.1 request")
    precondition(head.path.count > 0, "a path in every request")
}

func fuzzHeads(_ bytes: Bytes, seed: UInt8) {
    var start = 0
    // Requests behind one another, as if none had a body.
    for _ in 0..<4 {
        let rest = bytes[start..<bytes.count]
        var expected = ByteBuffer(capacity: 1_024)
        let length = readHead(rest, seed: nil, .scalar, into: &expected)
        for implementation in HTTPImplementation.allCases where implementation.isAvailable {
            for seed in [nil, seed] {
                var found = ByteBuffer(capacity: 1_024)
                let other = readHead(rest, seed: seed, implementation, into: &found)
                precondition(length == other && expected.bytes.equals(found.bytes), "readings differ")
            }
        }
        guard let length else { return }
        precondition(length > 0 && length <= rest.count)
        start += length
    }
}

// MARK: chunked bodies

func decode(_ bytes: Bytes, seed: UInt8?, into text: inout ByteBuffer) {
    var decoder = ChunkedBodyDecoder(bodyBytesMax: 1_024)
    var cuts = Cuts(seed: seed ?? 0)
    var buffer = ByteBuffer(capacity: 16)
    var decodedEnd = 0
    var rawStart = 0
    var arrived = 0
    while true {
        let next = seed == nil ? bytes.count : min(bytes.count, arrived + cuts.next())
        buffer.append(bytes[arrived..<next])
        arrived = next
        let result = decoder.decode(&buffer, decodedEnd: &decodedEnd, rawStart: &rawStart)
        precondition(decodedEnd == decoder.bodyBytes && decodedEnd <= 1_024)
        switch result {
        case .incomplete:
            precondition(rawStart == buffer.count)
            buffer.truncate(to: decodedEnd)
            rawStart = decodedEnd
            if arrived < bytes.count { continue }
            text.append("incomplete")
        case .complete:
            text.append("complete")
            text.appendDecimal(buffer.count - rawStart + bytes.count - arrived)
        case .refused(let problem):
            text.append(problem.code)
            text.append(decoder.fault!.label)
        }
        text.append(buffer.bytes[0..<decodedEnd])
        return
    }
}

func fuzzChunked(_ bytes: Bytes, seed: UInt8) {
    var whole = ByteBuffer(capacity: 1_024)
    var pieces = ByteBuffer(capacity: 1_024)
    decode(bytes, seed: nil, into: &whole)
    decode(bytes, seed: seed, into: &pieces)
    precondition(whole.bytes.equals(pieces.bytes), "decodings differ")
}

// MARK: queries

func fuzzQuery(_ bytes: Bytes) {
    var parser = QueryParser(bytes)
    var decoded = ByteBuffer(capacity: 64)
    var total = 0
    while let parameter = parser.next() {
        total += parameter.name.count + parameter.value.count
        decoded.removeAll()
        decoded.append("<")
        do {
            try parameter.decodeValue(into: &decoded)
            precondition(decoded.count <= parameter.value.count + 1)
            if !PercentEncoding.isEncoded(parameter.value, plusIsSpace: true) {
                precondition(decoded.bytes[1..<decoded.count].equals(parameter.value))
            }
        } catch {
            precondition(error.offset < parameter.value.count && decoded.count == 1)
        }
        let isNamed = parameter.isNamed("user id")
        decoded.removeAll()
        do {
            try parameter.decodeName(into: &decoded)
            precondition(decoded.bytes.equals("user id") == isNamed)
        } catch {
            precondition(!isNamed)
        }
    }
    precondition(total <= bytes.count)
}
