import SluiceCore
import SluiceHTTP
import Testing

extension HTTPRequestParserTests {
    /// A request as it was meant, and its bytes.
    private struct Model {
        var expected: [String: String] = [:]
        var headers: [(name: String, value: String)] = []
        var text = ""
        var framing = HTTPFraming.none
        var keepAlive = true
    }

    private static let token =
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    private static let visible =
        "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"

    /// Any case, and white space around the value.
    private func line(_ name: String, _ value: String, _ random: inout SeededGenerator) -> String {
        let spelled = name.map { Bool.random(using: &random) ? $0.uppercased() : String($0) }.joined()
        let before = random.text(of: " \t", count: 0...3)
        let after = random.text(of: " \t", count: 0...3)
        return "\(spelled):\(before)\(value)\(after)\r\n"
    }

    private func makeModel(_ random: inout SeededGenerator) -> Model {
        var model = Model()
        let minor = Int.random(in: 0...1, using: &random)
        let method = Bool.random(using: &random) ? "POST" : random.text(of: Self.token, count: 1...20)
        let pathLetters = Self.visible.filter { $0 != "#" && $0 != "?" }
        let path = "/" + random.text(of: pathLetters, count: 0...80)
        let query = random.text(of: pathLetters + "?é😀", count: 0...80)
        let target = Bool.random(using: &random) ? path : "\(path)?\(query)"
        model.expected = [
            "method": method, "target": target, "path": path, "query": target == path ? "" : query,
            "version": "1.\(minor)",
        ]

        var lines: [String] = []
        let host =
            random.text(of: "abcdefgh.-0123456789", count: 1...40) + ":\(Int.random(in: 0...65535, using: &random))"
        model.expected["host"] = host
        lines.append(line("Host", host, &random))
        for name in ["Authorization", "Content-Type", "Origin", "User-Agent", "Accept", "Data-Source-UUID"] {
            model.expected[name.lowercased()] = ""
            guard Bool.random(using: &random) else { continue }
            let inner = random.text(of: Self.visible + "  \t", count: 0...60)
            let value = "a\(inner)z"
            model.expected[name.lowercased()] = value
            lines.append(line(name, value, &random))
        }
        switch Int.random(in: 0...2, using: &random) {
        case 0 where minor == 1:
            model.framing = .chunked
            lines.append(line("Transfer-Encoding", "chunked", &random))
        case 1:
            let length = Int.random(in: 0...Int.max, using: &random)
            model.framing = .length(length)
            lines.append(line("Content-Length", "\(length)", &random))
        default: break
        }
        let options = ["close", "keep-alive", "upgrade"].filter { _ in Bool.random(using: &random) }
        model.keepAlive = !options.contains("close") && (minor == 1 || options.contains("keep-alive"))
        for option in options { lines.append(line("Connection", option, &random)) }
        for _ in 0..<Int.random(in: 0...20, using: &random) {
            lines.append(
                line(
                    "X-" + random.text(of: Self.token, count: 1...40), random.text(of: Self.visible, count: 0...80),
                    &random))
        }
        lines.shuffle(using: &random)
        model.text = "\(method) \(target) HTTP/1.\(minor)\r\n\(lines.joined())\r\n"
        return model
    }

    @Test func `reads back random requests`() throws {
        var random = SeededGenerator(for: "reads back random requests")
        for _ in 0..<2_000 {
            let model = makeModel(&random)
            // CONNECT is a method apart, and chance can find it.
            if model.expected["method"] == "CONNECT" { continue }
            let bytes = Array(model.text.utf8)
            for implementation in HeadReplay.available {
                var parser = HTTPRequestParser(implementation: implementation)
                let cut = Int.random(in: 0..<bytes.count, using: &random)
                guard case .incomplete = parser.parseHead(memory[0].place(bytes[..<cut]), limits: HTTPLimits()),
                    case .head(let head) = parser.parseHead(memory[1].place(bytes), limits: HTTPLimits())
                else {
                    Issue.record("not read, \(parser.fault.map { "\($0.label)" } ?? ""): \(model.text)")
                    return
                }
                let found = [
                    "method": head.methodText.string, "target": head.target.string, "path": head.path.string,
                    "query": head.query.string, "version": "1.\(head.versionMinor)", "host": head.host.string,
                    "authorization": head.authorization.string, "content-type": head.contentType.string,
                    "origin": head.origin.string, "user-agent": head.userAgent.string,
                    "accept": head.accept.string, "data-source-uuid": head.dataSourceUUID.string,
                ]
                #expect(found == model.expected)
                #expect(head.framing == model.framing)
                #expect(head.keepAlive == model.keepAlive)
                #expect(head.headBytes == bytes.count)
            }
        }
    }

    @Test func `all implementations read random bytes alike`() {
        var random = SeededGenerator(for: "all implementations read random bytes alike")
        let seeds = (Self.accepted + Self.refused).map(\.bytes)
        for _ in 0..<20_000 {
            var bytes = seeds[Int.random(in: 0..<seeds.count, using: &random)]
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0...3, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
                case 2: bytes.insert(contentsOf: Array("aBc-09/".utf8), at: place)
                default: if bytes.count > 1 { bytes.remove(at: place) }
                }
            }
            let scalar = HeadReplay.read(bytes, prefixes: [bytes.count], with: .scalar, memory: memory)
            for implementation in HeadReplay.available where implementation != .scalar {
                let other = HeadReplay.read(bytes, prefixes: [bytes.count], with: implementation, memory: memory)
                #expect(other == scalar, "\(implementation): \(bytes)")
            }
            let cut = Int.random(in: 0...bytes.count, using: &random)
            let fastest = HeadReplay.available.last!
            #expect(
                HeadReplay.read(bytes, prefixes: [cut, bytes.count], with: fastest, memory: memory) == scalar,
                "cut at \(cut): \(bytes)")
        }
    }

    /// Every byte at every place of a vector and behind it, where forbidden bytes are looked for.
    @Test(arguments: HeadReplay.available)
    func `every byte is classified alike at every place`(_ implementation: HTTPImplementation) {
        let frames = [
            (before: "GET /", after: " HTTP/1.1\r\nHost: h\r\n\r\n"),
            (before: "GET /?", after: " HTTP/1.1\r\nHost: h\r\n\r\n"),
            (before: "GET / HTTP/1.1\r\nHost: h\r\nX", after: ": v\r\n\r\n"),
            (before: "GET / HTTP/1.1\r\nHost: h\r\nX: ", after: "\r\n\r\n"),
        ]
        for frame in frames {
            for place in 0..<70 {
                for byte in UInt8.min...UInt8.max {
                    let padding = [UInt8](repeating: UInt8(ascii: "a"), count: place)
                    let bytes = Array(frame.before.utf8) + padding + [byte] + Array(frame.after.utf8)
                    let outcomes = [HTTPImplementation.scalar, implementation].map {
                        HeadReplay.read(bytes, prefixes: [bytes.count], with: $0, memory: memory)
                    }
                    #expect(outcomes[0] == outcomes[1], "byte \(byte) at \(place)")
                }
            }
        }
    }
}
