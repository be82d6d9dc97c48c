import CAllocationCounter
import SluiceCore
import SluiceHTTP
import Testing

/// Whether allocations can be counted in this process.
let allocationsAreCounted = callocation_counter_available() != 0

@Suite(.enabled(if: allocationsAreCounted, "needs glibc and no sanitizer")) struct AllocationTests {
    /// Allocations this thread makes while `body` runs.
    private func allocations(_ body: () -> Void) -> Int64 {
        let before = callocation_count()
        body()
        return callocation_count() - before
    }

    @Test func `the counter counts`() {
        var kept: [[Int]] = []
        #expect(allocations { kept.append(Array(repeating: 1, count: 100)) } > 0)
        #expect(kept.count == 1)
    }

    @Test func `a request is read, understood and answered without allocation`() {
        let text = Array(
            """
            POST /v1/events?a=1&b=%20 HTTP/1.1\r
            Host: events.shop.example\r
            Origin: https://shop.example\r
            Transfer-Encoding: chunked\r
            X-UA: u\r
            \r
            5\r
            hello\r
            0\r
            \r

            """.utf8)
        let limits = HTTPLimits()
        let date = HTTPDate(seconds: 0)
        let template = HTTPResponseTemplate(HTTPResponseHead(status: 202, contentType: "application/json"), date: date)
        var buffer = ByteBuffer(capacity: 4096)
        var scratch = ByteBuffer(capacity: 4096)
        var answer = ByteBuffer(capacity: 8192)
        var bodies = 0

        func serve(_ turn: Int64) {
            buffer.removeAll()
            answer.removeAll()
            scratch.removeAll()
            text.withBytes { buffer.append($0) }
            date.update(seconds: turn)
            var parser = HTTPRequestParser()
            guard case .head(let head) = parser.parseHead(buffer.bytes, limits: limits) else { return }
            var query = QueryParser(head.query)
            while let parameter = query.next() { try? parameter.decodeValue(into: &scratch) }
            guard head.header("x-ua") != nil, head.framing == .chunked else { return }
            var options = HTTPResponseOptions(head)
            options.allowedOrigin = head.origin
            template.append(options, body: Bytes("{}"), to: &answer)
            HTTPResponse.append(HTTPResponseHead(status: 400), options, date: date, to: &answer)
            var decoder = ChunkedBodyDecoder(bodyBytesMax: 100)
            var decodedEnd = head.headBytes
            var rawStart = head.headBytes
            if case .complete = decoder.decode(&buffer, decodedEnd: &decodedEnd, rawStart: &rawStart) { bodies += 1 }
        }

        serve(1)
        #expect(allocations { for turn in 2...100 { serve(Int64(turn)) } } == 0)
        #expect(bodies == 100)
    }

    @Test func `refusing allocates nothing`() {
        let text = Array("GET / HTTP/1.1\r\nHost: a b\r\n\r\n".utf8)
        let limits = HTTPLimits()
        var refused = 0
        func refuse() {
            text.withBytes { view in
                var parser = HTTPRequestParser()
                if case .refused = parser.parseHead(view, limits: limits) { refused += 1 }
            }
        }
        refuse()
        #expect(allocations { for _ in 0..<100 { refuse() } } == 0)
        #expect(refused == 101)
    }
}
