import SluiceServer
import Testing

@Suite struct AddressesTests {
    @Test(arguments: [
        ("127.0.0.1:8080", true, false), ("127.9.0.1:1", true, false), ("[::1]:8080", true, false),
        ("localhost:0", true, false), ("0.0.0.0:80", false, true), ("[::]:80", false, true),
        ("10.0.0.1:65535", false, false), ("edge-1.shop_x.example:80", false, false),
        ("127.example.com:80", false, false),
    ])
    func endpointsAreRead(text: String, isLoopback: Bool, isWildcard: Bool) throws {
        let endpoint = try Endpoint.parse(text)
        #expect(endpoint.description == text)
        #expect(endpoint.isLoopback == isLoopback)
        #expect(endpoint.isWildcard == isWildcard)
    }

    @Test(arguments: [
        "", ":80", "a:", "a:b", "a:-1", "a:+1", "a:65536", "[::1]", "::1:80", "[a]:1", "1.2.3:1", "a b:1",
        "-a:1",
    ])
    func otherEndpointsAreRefused(text: String) {
        #expect(throws: FormError.self) { try Endpoint.parse(text) }
    }

    @Test func portsClashOnTheSameOrAllAddresses() throws {
        func clash(_ left: String, _ right: String) throws -> Bool {
            try Endpoint.parse(left).clashes(with: Endpoint.parse(right))
        }
        #expect(try clash("127.0.0.1:1", "127.0.0.1:1"))
        #expect(try clash("127.0.0.1:1", "0.0.0.0:1"))
        #expect(try !clash("127.0.0.1:1", "127.0.0.1:2"))
        #expect(try !clash("127.0.0.1:1", "127.0.0.2:1"))
        #expect(try !clash("127.0.0.1:0", "127.0.0.1:0"))
    }

    @Test(arguments: [
        "https://api.topsort.com", "http://127.0.0.1:8080/x", "https://[::1]:1/", "https://a/b?c=d?e",
        "https://a?b",
    ])
    func urlsComeBackAsTheyWere(text: String) throws {
        #expect(try WebAddress.parse(text).description == text)
    }

    @Test func schemeAndHostAreLowered() throws {
        #expect(try WebAddress.parse("HTTPS://API.Test/Path?Q").description == "https://api.test/Path?Q")
    }

    @Test(arguments: [
        "", "a", "//a", "https://", "https://:80", "https://a:x", "https://a:65536", "file:///a",
        "https://a\u{e4}", "https://[::g]",
    ])
    func otherURLsAreRefused(text: String) {
        #expect(throws: FormError.self) { try WebAddress.parse(text) }
    }
}
