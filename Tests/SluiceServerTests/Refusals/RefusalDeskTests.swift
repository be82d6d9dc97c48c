import SluiceCore
import SluiceIO
import SluiceLog
import Testing

@testable import SluiceServer

@Suite struct RefusalDeskTests {
    /// A desk on a log of its own, with one port.
    private final class Rig {
        let log: EventLog
        let port: RefusalPort
        let desk: RefusalDesk
        private let state: any DeliveryState
        private let thread: JoinableThread

        init(_ folder: TemporaryFolder, perSecondMax: Int = 100_000) throws {
            log = try EventLog.open(folder: folder.path + "/data")
            state = try log.makeDeliveryState()
            let parker = try EventFD()
            port = RefusalPort(perSecondMax: perSecondMax, desk: parker)
            let desk = RefusalDesk(
                ports: [port], sourceNames: ["shop", "app"], store: log.makeRefusalStore(state), parker: parker)
            self.desk = desk
            thread = startThread(name: "test-desk") { desk.run() }
        }

        func note(_ path: String, source: Int = -1, at milliseconds: Int64 = WallTime.nowMilliseconds()) {
            Array(path.utf8).withBytes { path in
                port.note(
                    platform: .topsort, source: source, path: path, status: 422, accepted: 0, rejected: 1,
                    reason: Bytes("no"), nowMilliseconds: milliseconds)
            }
        }

        func stop() {
            desk.requestStop()
            thread.join()
            log.close()
        }
    }

    @Test func `rows are numbered, kept in memory and saved`() throws {
        let folder = try TemporaryFolder()
        let rig = try Rig(folder)
        rig.note("/a", source: 1)
        rig.note("/b")
        #expect(eventually { rig.desk.rows(from: 0).next == 2 })
        let rows = rig.desk.rows(from: 0)
        #expect(rows.rows.map(\.path) == ["/a", "/b"])
        #expect(rows.rows.map(\.source) == ["app", nil])
        #expect(rows.rows.map(\.platform) == ["topsort", "topsort"])
        #expect(rows.lost == 0)
        #expect(rig.desk.rows(from: 1).rows.map(\.path) == ["/b"])
        #expect(rig.desk.rows(from: 2).rows.isEmpty)
        #expect(rig.desk.number(ofNewest: 1) == 1)
        rig.stop()
        // Without a gateway, and by the next one.
        #expect(try StateReader(folder: folder.path + "/data").refusedRequests(newest: 1).map(\.path) == ["/b"])
        let again = try Rig(folder)
        #expect(again.desk.rows(from: 0).rows == rows.rows)
        again.stop()
    }

    @Test func `memory and file are bounded`() throws {
        let folder = try TemporaryFolder()
        let rig = try Rig(folder)
        var sent = 0
        while sent < 2500 {
            // No faster than it is fetched, so that nothing is suppressed.
            for _ in 0..<200 { rig.note("/\(sent)"); sent += 1 }
            #expect(eventually { rig.desk.rows(from: Int64.max).next == Int64(sent) })
        }
        let rows = rig.desk.rows(from: 0)
        #expect(rows.lost > 0)
        #expect(rows.lost + Int64(rows.rows.count) == Int64(sent))
        #expect(rows.rows.count < 2 * RefusalDesk.memoryMax)
        #expect(rows.rows.last?.path == "/\(sent - 1)")
        rig.stop()
        let reader = try StateReader(folder: folder.path + "/data")
        #expect(try reader.refusedRequests(newest: 100_000).count == sent)
        let log = try EventLog.open(folder: folder.path + "/data")
        let state = try log.makeDeliveryState()
        let store = log.makeRefusalStore(state)
        try store.add([rows.rows[0]], keep: 100)
        #expect(try store.newest(100_000).count == 100)
        try store.forget(before: WallTime.nowMilliseconds() + 1000)
        #expect(try store.newest(100_000).isEmpty)
        log.close()
    }

    @Test func `rows that are too old go`() throws {
        let folder = try TemporaryFolder()
        let rig = try Rig(folder)
        rig.note("/old", at: WallTime.nowMilliseconds() - RefusalDesk.ageMax - 1000)
        rig.note("/new")
        #expect(eventually { rig.desk.rows(from: 0).next == 2 })
        rig.stop()
        let reader = try StateReader(folder: folder.path + "/data")
        #expect(try reader.refusedRequests(newest: 10).map(\.path) == ["/new"])
    }
}
