import SluiceCore
import Testing

@testable import SluiceDelivery

@Suite struct RequestTargetTests {
    private let configuration = DestinationConfiguration(name: "d", platform: .webhook, url: "http://host/base")

    private func url(_ path: String, _ target: inout RequestTarget) -> String? {
        Array(path.utf8).withBytes { target.take($0, configuration) } ? target.url : nil
    }

    @Test func eachPathHasItsURL() {
        var target = RequestTarget()
        for path in ["", "", "/a", "/a", "b", "?c=1", "/a", ""] {
            let expected = Array(path.utf8).withBytes { configuration.requestURL(path: $0) }
            #expect(url(path, &target) == expected)
        }
    }

    @Test func whatCannotBeSentIsNot() {
        var target = RequestTarget()
        for path in ["/a b", "/\u{7F}", "/é", "/\r\nHost: x", "/\0"] {
            #expect(url(path, &target) == nil)
            #expect(url("/a", &target) == "http://host/base/a")
            #expect(url(path, &target) == nil, "also behind one that can be")
        }
    }
}
