import SluiceCore
import SluiceHTTP
import Testing

@Suite struct HTTPRequestHeadTests {
    private func withHead(_ text: String, _ body: (HTTPRequestHead) -> Void) {
        Array(text.utf8).withBytes { view in
            var parser = HTTPRequestParser()
            guard case .head(let head) = parser.parseHead(view, limits: HTTPLimits()) else {
                Issue.record("not a head")
                return
            }
            body(head)
        }
    }

    @Test func `finds any header by its lower-case name`() {
        withHead("GET / HTTP/1.1\r\nHost: h\r\nX-UA: one\r\nx-ua: two\r\nX-U: three\r\n\r\nX-Body: no\r\n\r\n") {
            head in
            #expect(head.header("x-ua")?.string == "one")
            #expect(head.header("x-u")?.string == "three")
            #expect(head.header("host")?.string == "h")
            #expect(head.header("x-body") == nil)
            #expect(head.header("get /") == nil)
            #expect(head.header("") == nil)
        }
        withHead("\r\nGET / HTTP/1.0\r\n\r\n") { head in #expect(head.header("host") == nil) }
    }

    @Test func `views another place after a move`() {
        let text = Array("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n".utf8)
        text.withBytes { first in
            var parser = HTTPRequestParser()
            guard case .head(let head) = parser.parseHead(first, limits: HTTPLimits()) else {
                Issue.record("not a head")
                return
            }
            let changed = Array("POST /q HTTP/1.1\r\nHost: i\r\nContent-Length: 1\r\n\r\n".utf8)
            changed.withBytes { second in
                let moved = head.moved(to: second)
                #expect(moved.path.string == "/q")
                #expect(moved.host.string == "i")
                #expect(moved.framing == .length(1))
                #expect(head.path.string == "/p")
            }
        }
    }

    @Test func `knows the methods`() {
        for (text, method) in [
            ("GET", RequestMethod.get), ("HEAD", .head), ("POST", .post), ("OPTIONS", .options), ("PUT", .other),
            ("Get", .other), ("POS", .other), ("POSTS", .other),
        ] {
            withHead("\(text) / HTTP/1.0\r\n\r\n") { #expect($0.method == method, "\(text)") }
        }
    }

    @Test func `tells the answer what to say of the connection`() {
        withHead("GET / HTTP/1.1\r\nHost: h\r\n\r\n") { #expect($0.persistence == .implied) }
        withHead("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n") { #expect($0.persistence == .keepAlive) }
        withHead("HEAD / HTTP/1.0\r\n\r\n") { head in
            #expect(head.persistence == .close)
            #expect(HTTPResponseOptions(head).isHead)
        }
    }
}
