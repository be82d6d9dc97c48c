import SluiceCore
import Testing

@testable import SluiceLog

@Suite struct RecentBlocksTests {
    private func block(_ number: Int64, bytes: Int) -> StoredBlock {
        StoredBlock(
            number: number, firstEvent: 0, eventCount: 1, firstReceivedMilliseconds: 0,
            lastReceivedMilliseconds: 0, codec: .none, rawSize: bytes, checksum: 0,
            payload: [UInt8](repeating: 1, count: bytes))
    }

    @Test func dropsWhatDoesNotFit() {
        let recent = RecentBlocks(bytesMax: 100)
        #expect(recent.offer(block(1, bytes: 60)))
        #expect(!recent.offer(block(2, bytes: 60)))
        #expect(recent.offer(block(3, bytes: 40)))
        #expect(recent.take()?.number == 1)
        #expect(recent.offer(block(4, bytes: 60)))
        #expect(recent.take()?.number == 3)
        #expect(recent.take()?.number == 4)
        #expect(recent.take() == nil)
    }

    @Test func isBoundedInNumberToo() {
        let recent = RecentBlocks(bytesMax: .max)
        var taken = 0
        while recent.offer(block(1, bytes: 1)) { taken += 1 }
        #expect(taken == 4096)
    }

    @Test func readersComeAndGo() {
        let readers = RecentReaders()
        var known: [RecentBlocks] = []
        var version = -1
        readers.refresh(&known, at: &version)
        #expect(known.isEmpty)
        let recent = RecentBlocks(bytesMax: 100)
        readers.add(recent)
        readers.refresh(&known, at: &version)
        #expect(known.count == 1)
        readers.remove(recent)
        readers.refresh(&known, at: &version)
        #expect(known.isEmpty)
    }
}
