import SluiceCore
import SluiceHTTP
import Testing

@Suite struct HTTPRequestParserTests {
    static let accepted = FixtureFile.load("requests.txt")
    static let refused = FixtureFile.load("refused.txt")
    let memory = [GuardedMemory(capacity: 32_768), GuardedMemory(capacity: 32_768)]

    @Test func `tells what it knows of a head that is not complete or refused`() {
        func known(_ text: String) -> (path: String, origin: String)? {
            var parser = HTTPRequestParser()
            let view = memory[0].place(Array(text.utf8))
            _ = parser.parseHead(view, limits: HTTPLimits())
            return parser.unfinishedHead(view).map { ($0.path.string, $0.origin.string) }
        }
        for line in [
            "", "POST", "POST /a HTTP/1.1", "POST /a HTTP/1.1\r", "BAD\r\n\r\n", "GET a HTTP/2.0\r\n\r\n",
            "CONNECT a:1 HTTP/1.1\r\n",
        ] {
            #expect(known(line) == nil)
        }
        #expect(known("POST /a?b HTTP/1.1\r\n")?.path == "/a")
        // Only the version is wrong: the path was there to be read.
        for line in [
            "GET /a HTTP/2.0", "GET /a?b HTTP/1.2", "GET /a HTTP/x", "GET /a", "GET /a?b ", "GET http://h/a HTTP/3.0",
        ] {
            #expect(known(line + "\r\n\r\n")?.path == "/a", "\(line)")
        }
        #expect(known("POST /a HTTP/1.1\r\nOrigin: o\r\nContent-Length: x\r\n")?.origin == "o")
        #expect(known("POST /a HTTP/1.1\r\nOrigin: o")?.origin == "")
    }

    @Test(arguments: accepted) func `serves what is right`(_ fixture: FixtureCase) throws {
        var parser = HTTPRequestParser()
        let view = memory[0].place(fixture.bytes)
        guard case .head(let head) = parser.parseHead(view, limits: HTTPLimits()) else {
            Issue.record("refused: \(parser.fault.map { "\($0.label)" } ?? "incomplete")")
            return
        }
        let rest = Int(fixture.text("rest") ?? "0")!
        #expect(head.headBytes == fixture.bytes.count - rest)

        let line = fixture.text("line")!.split(separator: " ")
        #expect(head.methodText.string == line[0])
        #expect(head.path.string == line[1])
        #expect("1.\(head.versionMinor)" == line[2])
        if let target = fixture.text("target") { #expect(head.target.string == target) }
        let fields: [(String, Bytes)] = [
            ("query", head.query), ("host", head.host), ("authorization", head.authorization),
            ("content-type", head.contentType), ("content-encoding", head.contentEncoding),
            ("origin", head.origin), ("user-agent", head.userAgent), ("referrer", head.referrer),
            ("accept", head.accept), ("data-source-uuid", head.dataSourceUUID),
            ("request-method", head.accessControlRequestMethod),
            ("request-headers", head.accessControlRequestHeaders),
        ]
        for (key, value) in fields {
            #expect(value.array == fixture.value(key) ?? [], "\(key)")
        }
        let framing =
            switch head.framing {
            case .none: "none"
            case .length(let count): "length \(count)"
            case .chunked: "chunked"
            }
        #expect(framing == fixture.text("framing") ?? "none")
        #expect(head.keepAlive == (fixture.text("keep-alive") != "no"))
        #expect(head.expectsContinue == (fixture.text("expects-continue") == "yes"))
        for (key, value) in fixture.expected where key.hasPrefix("header ") {
            #expect(FieldLookUp.value(of: String(key.dropFirst(7)), in: head) == value, "\(key)")
        }
    }

    @Test(arguments: refused) func `refuses what is wrong`(_ fixture: FixtureCase) throws {
        var parser = HTTPRequestParser()
        let view = memory[0].place(fixture.bytes)
        guard case .refused(let problem) = parser.parseHead(view, limits: HTTPLimits()) else {
            Issue.record("not refused")
            return
        }
        let fault = parser.fault!
        #expect("\(fault.label)" == fixture.text("fault"))
        #expect(problem.status == Int(fixture.text("status") ?? "400"))
        if case .badRequest(let reason) = problem { #expect(reason.utf8CodeUnitCount > 0) }
    }

    @Test(arguments: accepted + refused, HeadReplay.available)
    func `reads the same however the bytes are cut`(
        _ fixture: FixtureCase, _ implementation: HTTPImplementation
    ) throws {
        let count = fixture.bytes.count
        let whole = HeadReplay.read(
            fixture.bytes, prefixes: [count], with: implementation, memory: memory)
        #expect(whole != .incomplete)
        #expect(
            whole == HeadReplay.read(fixture.bytes, prefixes: [count], with: .scalar, memory: memory))
        for place in 0..<count {
            let split = HeadReplay.read(
                fixture.bytes, prefixes: [place, count], with: implementation, memory: memory)
            #expect(split == whole, "cut at \(place)")
        }
        let single = HeadReplay.read(fixture.bytes, prefixes: 0...count, with: implementation, memory: memory)
        #expect(single == whole, "byte by byte")
    }

    @Test func `reads pipelined requests one after another`() throws {
        let requests = Self.accepted.filter { $0.value("rest") == nil }
        let bytes = requests.flatMap(\.bytes)
        for step in [1, 7, 64, bytes.count] {
            var parser = HTTPRequestParser()
            var start = 0
            var arrived = 0
            var heads: [String] = []
            while start < bytes.count {
                let view = memory[heads.count % 2].place(bytes[start..<arrived])
                switch parser.parseHead(view, limits: HTTPLimits()) {
                case .incomplete:
                    try #require(arrived < bytes.count, "the last head is complete")
                    arrived = min(arrived + step, bytes.count)
                case .head(let head):
                    heads.append("\(head.methodText.string) \(head.path.string)")
                    start += head.headBytes
                    let isWithin = parser.isWithinHead
                    #expect(!isWithin)
                case .refused(let problem):
                    Issue.record("refused with \(problem.code)")
                    return
                }
            }
            #expect(heads == requests.map { $0.text("line")!.split(separator: " ").prefix(2).joined(separator: " ") })
        }
    }

    @Test func `knows whether a head has begun`() {
        var parser = HTTPRequestParser()
        let limits = HTTPLimits()
        for (text, begun) in [("", false), ("\r\n", false), ("\r\nG", true), ("\r\nGET / HTTP/1.1\r\n", true)] {
            _ = Array(text.utf8).withBytes { parser.parseHead($0, limits: limits) }
            let isWithin = parser.isWithinHead
            #expect(isWithin == begun)
        }
    }

    // MARK: limits

    /// A head of exactly `count` bytes.
    private func head(of count: Int) -> [UInt8] {
        let start = Array("GET / HTTP/1.1\r\nHost: h\r\nX: ".utf8)
        return start + Array(repeating: UInt8(ascii: "a"), count: count - start.count - 4) + Array("\r\n\r\n".utf8)
    }

    @Test(arguments: HeadReplay.available) func `bounds the head`(_ implementation: HTTPImplementation) {
        let limits = HTTPLimits(headBytes: 512)
        for (size, fits) in [(511, true), (512, true), (513, false), (4096, false)] {
            let bytes = head(of: size) + Array("body".utf8)
            for prefixes in [[bytes.count], [100, bytes.count], Array(0...bytes.count)] {
                let outcome = HeadReplay.read(
                    bytes, prefixes: prefixes, with: implementation, limits: limits, memory: memory)
                #expect((outcome == .refused(.headTooLarge)) == !fits, "\(size) bytes")
            }
        }
    }

    @Test func `a fault within the limit is told rather than the limit`() {
        let limits = HTTPLimits(headBytes: 64)
        let bytes = Array("GET / HTTP/1.1\nHost: h".utf8) + Array(repeating: UInt8(ascii: "a"), count: 100)
        #expect(
            HeadReplay.read(bytes, prefixes: [bytes.count], with: .scalar, limits: limits, memory: memory)
                == .refused(.bareLF))
        let late = Array(repeating: UInt8(ascii: "a"), count: 64) + [0]
        #expect(
            HeadReplay.read(late, prefixes: [late.count], with: .scalar, limits: limits, memory: memory)
                == .refused(.headTooLarge))
    }

    @Test func `answers 431 for a long request line and for many lines`() throws {
        var parser = HTTPRequestParser()
        let long = Array("GET /".utf8) + Array(repeating: UInt8(ascii: "a"), count: 20_000)
        guard case .refused(let problem) = long.withBytes({ parser.parseHead($0, limits: HTTPLimits()) }) else {
            Issue.record("not refused")
            return
        }
        #expect(problem.status == 431)
        for (lines, fits) in [(99, true), (100, false)] {
            let text = "GET / HTTP/1.1\r\nHost: h\r\n" + String(repeating: "X: a\r\n", count: lines) + "\r\n"
            let bytes = Array(text.utf8)
            let outcome = HeadReplay.read(bytes, prefixes: [bytes.count], with: .scalar, memory: memory)
            #expect((outcome == .refused(.fieldLines)) == !fits)
        }
        let many = Array(("GET / HTTP/1.1\r\n" + String(repeating: "X: a\r\n", count: 8)).utf8)
        var counting = HTTPRequestParser()
        guard
            case .refused(.tooManyHeaderLines(let lines)) = many.withBytes({
                counting.parseHead($0, limits: HTTPLimits(headerLines: 7))
            })
        else {
            Issue.record("refused otherwise")
            return
        }
        #expect(lines == 7)
    }
}

/// Looks up a header by a name known only at run time, among those the fixtures use.
enum FieldLookUp {
    static func value(of name: String, in head: HTTPRequestHead) -> [UInt8]? {
        let names: [StaticString] = [
            "sec-gpc", "accept-encoding", "x-empty", "x-blank", "x-a", "x-c", "content_length",
            "transfer-encodings", "content-lengt",
        ]
        guard let known = names.first(where: { "\($0)" == name }) else { fatalError("add \(name) to the list") }
        return head.header(known)?.array
    }
}
