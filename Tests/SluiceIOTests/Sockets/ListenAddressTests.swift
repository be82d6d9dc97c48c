import SluiceCore
import SluiceIO
import Testing

@Suite struct ListenAddressTests {
    @Test(arguments: ["127.0.0.1:8080", "[::1]:0", "localhost:65535", "[fe80::1]:1"])
    func readsAndWrites(text: String) throws {
        #expect(try ListenAddress.parse(text).description == text)
    }

    @Test(arguments: [
        ("127.0.0.1", ListenAddressError.missingPort), ("[::1]", .missingPort), ("[::1:80", .unclosedBracket),
        ("::1:80", .bareIPv6), ("1::2:80", .bareIPv6), (":80", .badHost), ("a:", .badPort), ("a:65536", .badPort),
        ("a:+1", .badPort),
        ("a:-1", .badPort), ("a b:1", .badHost), ("[127.0.0.1]:1", .badHost), ("[]:1", .badHost), ("", .missingPort),
    ])
    func refuses(text: String, error: ListenAddressError) {
        #expect(throws: error) { try ListenAddress.parse(text) }
    }

    @Test func resolvesNames() throws {
        let addresses = try ListenAddress.parse("localhost:80").resolve()
        #expect(!addresses.isEmpty)
        #expect(addresses.allSatisfy { $0.isLoopback && $0.port == 80 })
        #expect(throws: ListenError.self) { try ListenAddress(host: "no.such.host.invalid", port: 1).resolve() }
    }

    @Test func truncatesForPrivacy() throws {
        #expect(PeerAddress(numeric: "203.0.113.77", port: 9)?.truncated.text == "203.0.113.0")
        #expect(PeerAddress(numeric: "2001:db8:1:2:3:4:5:6", port: 9)?.truncated.text == "2001:db8:1::")
        #expect(PeerAddress(numeric: "2001:db8::1", port: 9)?.text == "2001:db8::1")
        #expect(PeerAddress(numeric: "10.0.0.1", port: 9)?.isLoopback == false)
        #expect(PeerAddress(numeric: "127.8.0.1", port: 9)?.isLoopback == true)
        #expect(PeerAddress(numeric: "no", port: 9) == nil)
    }
}
