import SluiceCore
import SluiceIO
import Testing

@testable import SluiceServer

@Suite struct RefusalPortTests {
    private func note(
        _ port: RefusalPort, _ count: Int, at milliseconds: Int64, path: String = "/p", reason: String = "r"
    ) {
        for _ in 0..<count {
            Array(path.utf8).withBytes { path in
                Array(reason.utf8).withBytes { reason in
                    port.note(
                        platform: .native, source: 2, path: path, status: 400, accepted: 1, rejected: 3, reason: reason,
                        nowMilliseconds: milliseconds)
                }
            }
        }
    }

    private func all(_ port: RefusalPort) -> [RefusedRequest] {
        var all: [RefusedRequest] = []
        while let next = port.next() { all.append(next) }
        return all
    }

    @Test func `a flood is bounded by the second and the rest counted`() throws {
        let port = RefusalPort(perSecondMax: 20, desk: try EventFD())
        note(port, 1000, at: 5_000)
        #expect(all(port).count == 20)
        note(port, 1000, at: 5_999)
        #expect(all(port).isEmpty)
        #expect(port.suppressed.value == 1980)
        note(port, 2, at: 6_000)
        let next = all(port)
        #expect(next.map(\.suppressed) == [1980, 0])
        #expect(port.kept.value == 22)
        #expect(port.suppressed.value == 1980)
    }

    @Test func `a desk that does not come bounds it, too`() throws {
        let port = RefusalPort(perSecondMax: 100_000, desk: try EventFD())
        note(port, 1000, at: 5_000)
        let kept = all(port)
        #expect(kept.count == 256)
        #expect(port.suppressed.value == 744)
        note(port, 1, at: 5_001)
        #expect(all(port).map(\.suppressed) == [744])
    }

    @Test func `what is copied is cut, and not within a character`() throws {
        let port = RefusalPort(perSecondMax: 10, desk: try EventFD())
        note(
            port, 1, at: 1, path: "/" + String(repeating: "p", count: 5000), reason: String(repeating: "ü", count: 5000)
        )
        note(port, 1, at: 1, path: "/" + String(repeating: "ü", count: 5000), reason: "short")
        let kept = all(port)
        #expect(kept[0].path.count == RefusedRequest.pathBytesMax)
        #expect(kept[0].reason.count == RefusedRequest.reasonBytesMax)
        #expect(String(decoding: kept[1].path, as: UTF8.self) == "/…")
        #expect(kept[1].reason == Array("short".utf8))
        #expect(kept[1].source == 2)
        #expect(kept[1].accepted == 1)
        #expect(kept[1].rejected == 3)
    }

    @Test(arguments: [
        ("/vtex/v1/beacon/click/AD_1-x.2~", "/vtex/v1/beacon/click/AD_1-x.2~"), ("/a/ada@shop.example/b", "/a/…/b"),
        ("/a/ada%40shop.example", "/a/…"), ("/", "/"), ("", ""), ("//x/", "//x/"), ("*", "…"),
    ])
    func `parts of a path that may say who somebody is are left out`(path: String, kept: String) {
        #expect(Array(path.utf8).withBytes { String(decoding: RefusedRequest.path($0), as: UTF8.self) } == kept)
    }
}
