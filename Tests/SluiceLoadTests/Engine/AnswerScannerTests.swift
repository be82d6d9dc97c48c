import SluiceCore
import SluiceLoad
import Testing

@Suite struct AnswerScannerTests {
    private static let answers: [(text: String, status: Int, closes: Bool)] = [
        ("HTTP/1.1 204 No Content\r\n\r\n", 204, false),
        (
            "HTTP/1.1 202 Accepted\r\nDate: Sun, 22 Nov 2026 01:00:00 GMT\r\ncontent-length: 5\r\n\r\n{\"a\":", 202,
            false
        ),
        ("HTTP/1.1 202 Accepted\r\nContent-Length:0\r\nConnection: Close\r\n\r\n", 202, true),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, true),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok", 200, false),
        ("HTTP/1.1 100 Continue\r\n\r\n", 100, false),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", 304, false),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nab\r\n\r\n0A\r\n0123456789\r\n0\r\n\r\n",
            200, false
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\nTrailer: x\r\n\r\n", 200, false),
        ("HTTP/1.1 500 Oh\nContent-Length: 1\n\nx", 500, false),
    ]

    private func scan(_ scanner: inout AnswerScanner, _ text: some StringProtocol) -> AnswerScan {
        Array(text.utf8).withBytes { scanner.scan($0) }
    }

    @Test func `an answer is found whole, whatever follows it`() {
        for (text, status, closes) in Self.answers {
            for rest in ["", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "\r\n\r\nx"] {
                var scanner = AnswerScanner()
                let expected = AnswerScan.whole(AnswerHead(status: status, bytes: text.utf8.count, closes: closes))
                #expect(scan(&scanner, text + rest) == expected, "\(text)")
                // Once more, by comparison with the one before.
                #expect(scan(&scanner, text + rest) == expected, "\(text)")
            }
        }
    }

    @Test func `a part of an answer is never taken for one`() {
        for (text, _, _) in Self.answers {
            var fresh = AnswerScanner()
            var knowing = AnswerScanner()
            _ = scan(&knowing, text)
            for count in 0..<text.utf8.count {
                let part = String(decoding: text.utf8.prefix(count), as: UTF8.self)
                #expect(scan(&fresh, part) == .partial, "\(part)")
                #expect(scan(&knowing, part) == .partial, "\(part)")
                fresh = AnswerScanner()
            }
        }
    }

    @Test func `an answer that begins like the one before is read by itself`() {
        var scanner = AnswerScanner()
        let first = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"
        let second = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
        for _ in 0..<3 {
            #expect(scan(&scanner, first) == .whole(AnswerHead(status: 200, bytes: first.utf8.count)))
            #expect(scan(&scanner, second) == .whole(AnswerHead(status: 200, bytes: second.utf8.count)))
        }
    }

    @Test func `to HEAD no answer has a body`() {
        var scanner = AnswerScanner(isHead: true)
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n"
        #expect(scan(&scanner, text) == .whole(AnswerHead(status: 200, bytes: text.utf8.count)))
    }

    @Test(arguments: [
        "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/2.0 200 OK\r\n\r\n".replacing("2.0", with: "x.0"), "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nno field\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
        // As long as the connection: nobody could tell whether it was cut off.
        "HTTP/1.0 200 OK\r\n\r\nwhat there is",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n",
    ])
    func `what is no answer is called so`(text: String) {
        var scanner = AnswerScanner()
        #expect(scan(&scanner, text) == .malformed)
    }

    @Test func `a head without an end is given up`() {
        var scanner = AnswerScanner()
        #expect(scan(&scanner, "HTTP/1.1 200 OK\r\n" + String(repeating: "a: b\r\n", count: 20_000)) == .malformed)
    }
}
