import SluiceCore
import SluiceHTTP
import Testing

@Suite struct ChunkedBodyDecoderTests {
    static let fixtures = FixtureFile.load("chunked.txt")

    enum Outcome: Equatable {
        case incomplete
        case complete(body: [UInt8], rest: Int)
        case refused(HTTPFault)
    }

    /// Decodes `bytes` as they would arrive in a connection's buffer, behind a head, in the pieces
    /// that end at `cuts`; the last cut is the whole.
    private func decode(_ bytes: [UInt8], cuts: some Sequence<Int>, bodyBytesMax: Int = 64) -> Outcome {
        let head = Array("head".utf8)
        var decoder = ChunkedBodyDecoder(bodyBytesMax: bodyBytesMax)
        var buffer = ByteBuffer(capacity: 16)
        head.withBytes { buffer.append($0) }
        var decodedEnd = head.count
        var rawStart = head.count
        var given = 0
        for cut in cuts {
            bytes[given..<cut].forEach { buffer.append($0) }
            given = cut
            switch decoder.decode(&buffer, decodedEnd: &decodedEnd, rawStart: &rawStart) {
            case .incomplete:
                let (arrived, decoded) = (buffer.count, decoder.bodyBytes)
                #expect(rawStart == arrived)
                #expect(decodedEnd - head.count == decoded)
                buffer.truncate(to: decodedEnd)
                rawStart = decodedEnd
            case .complete:
                let rest = buffer.count - rawStart + bytes.count - given
                return .complete(body: buffer.bytes[head.count..<decodedEnd].array, rest: rest)
            case .refused(let problem):
                let fault = decoder.fault!
                #expect(problem.status == fault.problem(limit: bodyBytesMax).status)
                return .refused(fault)
            }
        }
        return .incomplete
    }

    @Test(arguments: fixtures) func `decodes or refuses`(_ fixture: FixtureCase) throws {
        let outcome = decode(fixture.bytes, cuts: [fixture.bytes.count])
        if let body = fixture.value("body") {
            #expect(outcome == .complete(body: body, rest: Int(fixture.text("rest") ?? "0")!))
        } else if case .refused(let fault) = outcome {
            #expect("\(fault.label)" == fixture.text("fault"))
            #expect(fault.problem(limit: 64).status == Int(fixture.text("status") ?? "400"))
        } else {
            Issue.record("not refused")
        }
    }

    @Test(arguments: fixtures) func `decodes the same however the bytes are cut`(_ fixture: FixtureCase) {
        let count = fixture.bytes.count
        let whole = decode(fixture.bytes, cuts: [count])
        #expect(whole != .incomplete)
        for place in 0..<count {
            #expect(decode(fixture.bytes, cuts: [place, count]) == whole, "cut at \(place)")
        }
        #expect(decode(fixture.bytes, cuts: 0...count) == whole, "byte by byte")
    }

    @Test func `decodes random bodies in random pieces`() {
        var random = SeededGenerator(for: "decodes random bodies in random pieces")
        for _ in 0..<1_000 {
            var body: [UInt8] = []
            var raw: [UInt8] = []
            for _ in 0..<Int.random(in: 0...12, using: &random) {
                let chunk = (0..<Int.random(in: 1...300, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                body += chunk
                let zeros = String(repeating: "0", count: Int.random(in: 0...4, using: &random))
                raw += Array("\(zeros)\(String(chunk.count, radix: 16))\r\n".utf8) + chunk + Array("\r\n".utf8)
            }
            let trailers = Array(repeating: "X-T: v\r\n", count: Int.random(in: 0...3, using: &random)).joined()
            raw += Array("0\r\n\(trailers)\r\n".utf8)
            let rest = Array("GET /".utf8)
            var cuts = (0..<Int.random(in: 0...20, using: &random)).map { _ in
                Int.random(in: 0...raw.count, using: &random)
            }
            cuts.sort()
            cuts.append(raw.count + rest.count)
            #expect(decode(raw + rest, cuts: cuts, bodyBytesMax: 4_000) == .complete(body: body, rest: 5))
        }
    }

    // MARK: bounds

    private func refusal(_ text: String, bodyBytesMax: Int = 1_000_000) -> HTTPFault? {
        let bytes = Array(text.utf8)
        guard case .refused(let fault) = decode(bytes, cuts: [bytes.count], bodyBytesMax: bodyBytesMax) else {
            return nil
        }
        return fault
    }

    @Test func `bounds the extensions of a chunk and of a body`() {
        let limit = HTTPLimits.chunkExtensionBytesMax
        let most = String(repeating: "e", count: limit)
        #expect(refusal("1;\(most)\r\nx\r\n0\r\n\r\n") == nil)
        #expect(refusal("1;\(most)e\r\nx\r\n0\r\n\r\n") == .chunkExtension)
        let chunks = HTTPLimits.bodyExtensionBytesMax / limit
        #expect(refusal(String(repeating: "1;\(most)\r\nx\r\n", count: chunks)) == nil)
        #expect(refusal(String(repeating: "1;\(most)\r\nx\r\n", count: chunks) + "1;e\r\n") == .chunkExtension)
    }

    @Test func `bounds the trailers`() {
        let limit = HTTPLimits.trailerBytesMax
        let value = String(repeating: "v", count: limit - "X: \r\n\r\n".utf8.count)
        #expect(refusal("0\r\nX: \(value)\r\n\r\n") == nil)
        #expect(refusal("0\r\nX: \(value)v\r\n\r\n") == .trailerTooLarge)
    }

    @Test func `a limit of zero takes an empty body only`() {
        #expect(refusal("0\r\n\r\n", bodyBytesMax: 0) == nil)
        #expect(refusal("1\r\n", bodyBytesMax: 0) == .bodyTooLarge)
    }

    @Test func `the limit is told before the content arrives`() {
        #expect(refusal("41\r\n", bodyBytesMax: 64) == .bodyTooLarge)
    }
}
