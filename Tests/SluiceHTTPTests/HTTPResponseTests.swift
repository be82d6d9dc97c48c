import SluiceCore
import SluiceHTTP
import Testing

@Suite struct HTTPResponseTests {
    let date = HTTPDate(seconds: 784_111_777)
    static let dateLine = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

    private func written(
        _ head: HTTPResponseHead, _ options: HTTPResponseOptions = HTTPResponseOptions(), body: String = ""
    ) -> String {
        var answer = ByteBuffer(capacity: 16)
        Array(body.utf8).withBytes {
            HTTPResponse.append(head, options, body: $0, date: date, to: &answer)
        }
        return answer.bytes.string
    }

    @Test func `writes head and body`() {
        #expect(
            written(HTTPResponseHead(status: 202, contentType: "application/json"), body: "{}")
                == "HTTP/1.1 202 Accepted\r\n\(Self.dateLine)Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        )
        #expect(
            written(HTTPResponseHead(status: 200)) == "HTTP/1.1 200 OK\r\n\(Self.dateLine)Content-Length: 0\r\n\r\n")
    }

    @Test func `204 and 304 have no length and no body`() {
        #expect(
            written(HTTPResponseHead(status: 204), body: "dropped")
                == "HTTP/1.1 204 No Content\r\n\(Self.dateLine)\r\n")
        #expect(written(HTTPResponseHead(status: 304)) == "HTTP/1.1 304 Not Modified\r\n\(Self.dateLine)\r\n")
    }

    @Test func `HEAD gets the headers of the whole answer`() {
        let options = HTTPResponseOptions(isHead: true)
        #expect(
            written(HTTPResponseHead(status: 200, contentType: "image/gif"), options, body: "GIF89a")
                == "HTTP/1.1 200 OK\r\n\(Self.dateLine)Content-Type: image/gif\r\nContent-Length: 6\r\n\r\n")
    }

    @Test func `finds the origin it named in a response`() {
        func found(_ response: String) -> String {
            Array(response.utf8).withBytes { HTTPResponse.allowedOrigin(of: $0).string }
        }
        Array("https://shop.example".utf8).withBytes { origin in
            var options = HTTPResponseOptions()
            options.allowedOrigin = origin
            #expect(found(written(HTTPResponseHead(status: 202), options, body: "{}")) == "https://shop.example")
        }
        #expect(found(written(HTTPResponseHead(status: 202), body: "Access-Control-Allow-Origin: x\r\n")) == "")
        #expect(found("") == "")
        #expect(found("HTTP/1.1 200 OK") == "")
    }

    @Test func `tells what becomes of the connection`() {
        for (persistence, line) in [
            (HTTPPersistence.implied, ""), (.keepAlive, "Connection: keep-alive\r\n"),
            (.close, "Connection: close\r\n"),
        ] {
            #expect(
                written(HTTPResponseHead(status: 204), HTTPResponseOptions(persistence: persistence))
                    == "HTTP/1.1 204 No Content\r\n\(Self.dateLine)\(line)\r\n")
        }
        #expect(HTTPPersistence(keepAlive: true) == .implied)
        #expect(HTTPPersistence(keepAlive: true, versionMinor: 0) == .keepAlive)
        #expect(HTTPPersistence(keepAlive: false, versionMinor: 0) == .close)
    }

    @Test func `writes every line it knows, in one order`() {
        var head = HTTPResponseHead(status: 429, contentType: "text/plain; charset=utf-8")
        head.acknowledge = .committed
        head.noStore = true
        head.allow = "POST, OPTIONS"
        head.authenticate = "Bearer"
        head.extraLines = "X-Extra: 1\r\n"
        var options = HTTPResponseOptions(persistence: .close)
        options.allowedOrigin = Bytes("https://shop.example")
        options.retryAfterSeconds = 30
        options.rateLimit = HTTPRateLimit(limit: 1000, remaining: 0, reset: 3600)
        options.location = Bytes("/elsewhere")
        #expect(
            written(head, options, body: "x") == """
                HTTP/1.1 429 Too Many Requests\r
                Date: Sun, 06 Nov 1994 08:49:37 GMT\r
                Content-Type: text/plain; charset=utf-8\r
                Sluice-Acknowledge: committed\r
                Cache-Control: no-store\r
                Allow: POST, OPTIONS\r
                WWW-Authenticate: Bearer\r
                X-Extra: 1\r
                Access-Control-Allow-Origin: https://shop.example\r
                Vary: Origin\r
                Access-Control-Allow-Credentials: true\r
                Retry-After: 30\r
                X-RateLimit-Limit: 1000\r
                X-RateLimit-Remaining: 0\r
                X-RateLimit-Reset: 3600\r
                Location: /elsewhere\r
                Connection: close\r
                Content-Length: 1\r
                \r
                x
                """)
    }

    @Test func `credentials can be left out, and received is another promise`() {
        var head = HTTPResponseHead(status: 204)
        head.acknowledge = .received
        var options = HTTPResponseOptions()
        options.allowedOrigin = Bytes("null")
        options.allowsCredentials = false
        #expect(
            written(head, options) == """
                HTTP/1.1 204 No Content\r
                Date: Sun, 06 Nov 1994 08:49:37 GMT\r
                Sluice-Acknowledge: received\r
                Access-Control-Allow-Origin: null\r
                Vary: Origin\r
                \r

                """)
    }

    @Test func `nothing that is echoed can break out of its line`() {
        let attacks = ["https://a\r\nX-Evil: 1", "https://a b", "a\nb", "a\u{0}", "caf\u{E9}", "\u{7F}"]
        for attack in attacks {
            let bytes = Array(attack.utf8)
            let text = bytes.withBytes { view in
                var options = HTTPResponseOptions()
                options.allowedOrigin = view
                options.location = view
                return written(HTTPResponseHead(status: 204), options)
            }
            #expect(text == "HTTP/1.1 204 No Content\r\n\(Self.dateLine)\r\n")
            let preflight = bytes.withBytes { view in
                var options = HTTPResponseOptions()
                options.allowedOrigin = Bytes("https://shop.example")
                return self.preflight(options, headers: view)
            }
            #expect(!preflight.contains("Allow-Headers") || attack == "a b")
        }
    }

    private func preflight(_ options: HTTPResponseOptions, headers: Bytes) -> String {
        var answer = ByteBuffer(capacity: 16)
        HTTPResponse.appendPreflight(
            options, methods: "POST", headers: headers, maxAgeSeconds: 600, date: date, to: &answer)
        return answer.bytes.string
    }

    @Test func `answers a preflight`() {
        var options = HTTPResponseOptions()
        options.allowedOrigin = Bytes("https://shop.example")
        #expect(
            preflight(options, headers: Bytes("authorization, content-type, x-ua")) == """
                HTTP/1.1 204 No Content\r
                Date: Sun, 06 Nov 1994 08:49:37 GMT\r
                Access-Control-Allow-Methods: POST\r
                Access-Control-Allow-Headers: authorization, content-type, x-ua\r
                Access-Control-Max-Age: 600\r
                Access-Control-Allow-Origin: https://shop.example\r
                Vary: Origin\r
                Access-Control-Allow-Credentials: true\r
                \r

                """)
        #expect(
            preflight(HTTPResponseOptions(), headers: .empty)
                == "HTTP/1.1 204 No Content\r\n\(Self.dateLine)\r\n")
    }

    @Test func `answers an expectation`() {
        var answer = ByteBuffer(capacity: 16)
        HTTPResponse.appendContinue(to: &answer)
        #expect(answer.bytes.string == "HTTP/1.1 100 Continue\r\n\r\n")
    }

    @Test func `every problem of the edge has a status line`() {
        let problems: [EdgeProblem] = [
            .badRequest(""), .unauthorized, .forbiddenOrigin, .notFound, .methodNotAllowed, .requestTimeout,
            .bodyTooLarge(limit: 1), .headTooLarge(limit: 1), .unsupportedMediaType,
            .unsupportedContentEncoding, .unsupportedTransferEncoding, .unsupportedVersion,
            .expectationFailed, .unavailable(retryAfterSeconds: 1),
        ]
        for problem in problems {
            #expect(written(HTTPResponseHead(status: problem.status)).hasPrefix("HTTP/1.1 \(problem.status) "))
        }
    }
}
