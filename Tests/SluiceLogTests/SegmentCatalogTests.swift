import SluiceCore
import Testing

@testable import SluiceLog

@Suite struct SegmentCatalogTests {
    private func catalog() throws -> (LogRig, SegmentCatalog.Entry) {
        let rig = try LogRig()
        rig.start()
        rig.commit(["a"])
        return (rig, try #require(rig.log.catalog.entries.first))
    }

    @Test func lendsTheSameConnectionAgain() throws {
        let (rig, entry) = try catalog()
        let catalog = rig.log.catalog
        for _ in 0..<3 {
            let found = try catalog.withConnection(to: entry) {
                (connection) throws(LogError) in try connection.blocks(1..<10)
            }
            #expect(found.map(\.number) == [1])
        }
        #expect(catalog.idleCount == 1)
        rig.stop()
        #expect(catalog.idleCount == 0)
    }

    @Test func keepsNoConnectionToASegmentThatIsBeingSealed() throws {
        let (rig, entry) = try catalog()
        let catalog = rig.log.catalog
        _ = try catalog.withConnection(to: entry) { (connection) throws(LogError) in connection.path }
        #expect(catalog.idleCount == 1)
        catalog.beginSealing(entry.firstBlock)
        #expect(catalog.idleCount == 0)
        _ = try catalog.withConnection(to: entry) { (connection) throws(LogError) in connection.path }
        #expect(catalog.idleCount == 0)
        catalog.sealed(entry.firstBlock, newestMilliseconds: 5, endEvent: 1)
        _ = try catalog.withConnection(to: entry) { (connection) throws(LogError) in connection.path }
        #expect(catalog.idleCount == 1)
        #expect(catalog.entries.first?.isSealed == true)
        #expect(catalog.entries.first?.newestMilliseconds == 5 && catalog.entries.first?.endEvent == 1)
        #expect(catalog.segmentName(holding: 99) == "000000000001.sqlite" && catalog.segmentName(holding: 0) == "")
        rig.stop()
    }

    @Test func tellsThatAFileIsGone() throws {
        let catalog = SegmentCatalog()
        let entry = SegmentCatalog.Entry(
            firstBlock: 1, path: "/nonexistent/1.sqlite", firstEvent: 0, isSealed: true)
        catalog.add(entry)
        #expect(throws: LogError.missing(path: entry.path)) {
            try catalog.withConnection(to: entry) { (connection) throws(LogError) in connection.path }
        }
    }
}
