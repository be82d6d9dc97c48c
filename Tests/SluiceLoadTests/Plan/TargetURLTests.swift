import SluiceLoad
import Testing

@Suite struct TargetURLTests {
    @Test func `host, port and path`() throws {
        let url = try TargetURL("http://gateway.test:8080/v1/events?x=1#part")
        #expect(url.host == "gateway.test" && url.port == 8080 && url.path == "/v1/events?x=1")
        #expect(url.authority == "gateway.test:8080")
        let bare = try TargetURL("HTTP://127.0.0.1/")
        #expect(bare.port == 80 && bare.path == "" && bare.authority == "127.0.0.1")
        let six = try TargetURL("http://[::1]:99?a")
        #expect(six.host == "::1" && six.port == 99 && six.path == "/?a" && six.authority == "[::1]:99")
    }

    @Test(arguments: [
        ("https://a", TargetURLError.encrypted), ("ftp://a", .notHTTP), ("a:80", .notHTTP), ("http://", .noHost),
        ("http://:80", .noHost), ("http://a:0", .badPort), ("http://a:70000", .badPort), ("http://a:/", .badPort),
        ("http://a/b c", .badCharacter), ("http://a/\r\nX: y", .badCharacter),
    ])
    func `what is no such URL is refused`(text: String, error: TargetURLError) {
        #expect(throws: error) { try TargetURL(text) }
    }
}
