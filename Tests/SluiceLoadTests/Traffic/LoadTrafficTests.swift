import SluiceCore
import SluiceLoad
import Testing

@Suite struct LoadTrafficTests {
    private func traffic(_ settings: TrafficSettings, url: String = "http://127.0.0.1:8080") throws -> LoadTraffic {
        var random = SplitMix64(seed: 3)
        return try LoadTraffic(settings, target: TargetURL(url), run: RunID(using: &random), seed: 4)
    }

    private func parts(_ template: RequestTemplate) throws -> (head: String, body: String) {
        let text = template.bytes.string
        let end = try #require(text.firstRange(of: "\r\n\r\n"))
        return (String(text[..<end.lowerBound]), String(text[end.upperBound...]))
    }

    private static let kinds = LoadPlatform.allCases.flatMap { platform in
        LoadEventType.allCases.map { (platform, $0) }
    }

    @Test(arguments: kinds)
    func `Content-Length is the body's`(platform: LoadPlatform, type: LoadEventType) throws {
        var settings = TrafficSettings()
        settings.platform = platform
        settings.type = type
        guard let traffic = try? traffic(settings) else {
            // Only what a platform does not know.
            #expect(platform == .kevel || platform == .impact || type == .pageView || type == .view)
            return
        }
        for template in traffic.templates(thread: 1) {
            let (head, body) = try parts(template)
            if body.isEmpty {
                #expect(!head.lowercased().contains("content-length"))
            } else {
                #expect(head.contains("\r\nContent-Length: \(body.utf8.count)"))
            }
            #expect(head.contains("\r\nHost: 127.0.0.1:8080\r\n"))
            #expect(!template.bytes.string.contains("{{"))
        }
    }

    @Test func `a Topsort impression is about 400 bytes, as in all comparisons`() throws {
        for template in try traffic(TrafficSettings()).templates(thread: 0) {
            let body = try parts(template).body
            #expect((390...410).contains(body.utf8.count))
        }
    }

    @Test(arguments: LoadPlatform.allCases)
    func `bodies are as large as was asked for`(platform: LoadPlatform) throws {
        var settings = TrafficSettings()
        settings.platform = platform
        settings.bytes = 1200
        for template in try traffic(settings).templates(thread: 0) {
            let (head, body) = try parts(template)
            let query = head.split(separator: " ")[1].drop { $0 != "?" }.dropFirst()
            let size = platform == .kevel ? query.utf8.count : body.utf8.count
            // Variants differ by the digits of a price.
            #expect((1190...1200).contains(size))
        }
        settings.bytes = 20
        #expect(throws: TrafficError.self) { try self.traffic(settings) }
    }

    @Test func `variants differ, and are the same for the same seed`() throws {
        let first = try traffic(TrafficSettings()).templates(thread: 0).map { $0.bytes.string.count }
        let bodies = try Set(traffic(TrafficSettings()).templates(thread: 0).map { try parts($0).body })
        #expect(first.count == 64 && bodies.count == 64)
    }

    @Test func `headers of one's own are added, or take the place of the platform's`() throws {
        var settings = TrafficSettings()
        settings.key = "secret"
        settings.headers = [("host", "other.test"), ("X-Test", "1")]
        let head = try parts(traffic(settings).templates(thread: 0)[0]).head
        #expect(head.contains("\r\nhost: other.test\r\n") && !head.contains("127.0.0.1"))
        #expect(head.contains("\r\nX-Test: 1") && head.contains("\r\nAuthorization: Bearer secret\r\n"))
        settings.headers = [("X", "a\r\nY: b")]
        #expect(throws: TrafficError.badHeader("X: a\r\nY: b")) { try self.traffic(settings) }
        settings.headers = [("a b", "c")]
        #expect(throws: TrafficError.self) { try self.traffic(settings) }
    }

    @Test func `a body of one's own goes where the URL says`() throws {
        var settings = TrafficSettings()
        settings.body = "{\"key\":\"{{id}}\",\"at\":\"{{time}}\"}"
        settings.method = "PUT"
        let (head, body) = try parts(traffic(settings, url: "http://h:1/some/path").templates(thread: 0)[0])
        #expect(head.hasPrefix("PUT /some/path HTTP/1.1\r\n"))
        #expect(head.contains("Content-Length: \(body.utf8.count)"))
    }

    @Test func `the URL's path stands before what a platform's path holds`() throws {
        var settings = TrafficSettings()
        settings.platform = .kevel
        let bare = try parts(traffic(settings, url: "http://h:1/").templates(thread: 0)[0]).head
        #expect(bare.hasPrefix("GET /kevel/c/123/purchase?"))
        let own = try parts(traffic(settings, url: "http://h:1/in/").templates(thread: 0)[0]).head
        #expect(own.hasPrefix("GET /in/c/123/purchase?"))
    }

    @Test(arguments: [(LoadPlatform.topsort, 51), (.gowit, 2), (.impact, 2), (.native, 0)])
    func `more events than a request may hold are refused`(platform: LoadPlatform, events: Int) {
        var settings = TrafficSettings()
        settings.platform = platform
        settings.events = events
        #expect(throws: TrafficError.self) { try self.traffic(settings) }
    }
}
