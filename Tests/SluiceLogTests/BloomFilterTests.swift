import SluiceCore
import Testing

@testable import SluiceLog

@Suite struct BloomFilterTests {
    /// The filter over the hashes of `ids`.
    private func filter(_ ids: [String]) -> [UInt8] {
        var list = HashList(capacity: 8)
        for id in ids { list.append(idHash(id)) }
        var buffer = ByteBuffer(capacity: 16)
        buffer.append("stale")
        BloomFilter.write(list, into: &buffer)
        return buffer.bytes.array
    }

    @Test(arguments: [1, 2, 7, 100, 5000])
    func affirmsEveryKey(count: Int) {
        let ids = (0..<count).map { "key-\($0)" }
        let filter = filter(ids)
        for id in ids {
            #expect(filter.withBytes { BloomFilter.mayContain(idHash(id), in: $0) })
        }
    }

    @Test func deniesMostOthers() {
        let filter = filter((0..<2000).map { "key-\($0)" })
        let affirmed = (0..<10_000).count { number in
            filter.withBytes { BloomFilter.mayContain(idHash("other-\(number)"), in: $0) }
        }
        // Expected: 0.8 of 100.
        #expect(affirmed < 200, "\(affirmed) of 10000 absent keys affirmed")
    }

    @Test func emptyFilterDeniesAll() {
        #expect(filter([]).isEmpty)
        #expect(!BloomFilter.mayContain(1, in: .empty))
    }

    @Test func isSizedAsDocumented() {
        #expect(filter(["a"]).count == 16 - 8)
        #expect(filter((0..<100).map { "\($0)" }).count == 1000 / 8 + 3)
        #expect(BloomFilter.byteCount(keys: 1 << 40) == 1 << 28)
    }

    /// The formula of docs/log-format.md, written out once more.
    @Test func setsTheDocumentedBits() {
        let hash: UInt64 = 0x0123_4567_89AB_CDEF
        var list = HashList(capacity: 8)
        list.append(hash)
        var buffer = ByteBuffer(capacity: 16)
        BloomFilter.write(list, into: &buffer)
        var expected = [UInt8](repeating: 0, count: 8)
        for index in 0..<7 as Range<UInt64> {
            let key = (0x89AB_CDEF + index * 0x0123_4567) % (1 << 32)
            let bit = Int(key * 64 / (1 << 32))
            expected[bit / 8] |= 1 << (bit % 8)
        }
        #expect(buffer.bytes.array == expected)
    }
}
