import Foundation
import SluiceServer
import Testing

@Suite struct AdminHostsTests {
    private func refusal(
        _ hosts: [String], on host: String = "127.0.0.1", path: String = "/api/status"
    ) -> AdminResponse? {
        AdminHosts(Endpoint(host: host, port: 9090)).refusal(
            path: path, headers: [("accept", "*/*")] + hosts.map { ("host", $0) })
    }

    @Test(arguments: [
        "127.0.0.1", "127.0.0.1:9090", "127.8.9.1:80", "localhost", "LocalHost:9090", "localhost.:9090", "[::1]",
        "[::1]:9090",
    ])
    func `names of this machine are answered`(_ host: String) {
        #expect(refusal([host]) == nil)
    }

    @Test(arguments: [
        "evil.test", "evil.test:9090", "127.0.0.1.evil.test:9090", "localhost.evil.test", "127.evil.test",
        "10.0.0.1:9090", "[::2]:9090", "[::1].evil.test", "[::1", "127.0.0.1:x", "127.0.0.1:9090@evil.test", "",
        "0.0.0.0:9090",
    ])
    func `other names are refused`(_ host: String) {
        for path in ["/api/status", "/api/events/x", "/api/tail", "/api/replays", "/metrics", "/", "/healthz/"] {
            let refused = refusal([host], path: path)
            #expect(refused?.status == 421, "\(path)")
            #expect(refused?.body.contains(#""code":"foreign_host""#) == true)
        }
        #expect(refusal(["127.0.0.1:9090", host])?.status == 421)
        #expect(refusal([host], path: "/healthz") == nil)
        #expect(refusal([host], path: "/readyz") == nil)
        // Whoever has it listen for others knows by which names they come.
        #expect(refusal([host], on: "0.0.0.0") == nil)
    }

    @Test func `what has no Host is no browser`() { #expect(refusal([]) == nil) }

    @Test func `a hostile name is shown without control characters`() {
        let body = refusal(["a\u{1B}[31m\u{7}"])?.body ?? ""
        let json = try? JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: [String: String]]
        let message = json?["error"]?["message"]
        #expect(message?.contains("to 'a") == true)
        #expect(message?.unicodeScalars.allSatisfy { $0.value >= 0x20 } == true)
    }
}
