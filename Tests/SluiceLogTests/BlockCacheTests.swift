import Testing

@testable import SluiceLog

@Suite struct BlockCacheTests {
    @Test func dropsTheLongestUnused() {
        var cache = BlockCache<String>(bytesMax: 30)
        cache.insert("one", at: 1, size: 10)
        cache.insert("two", at: 2, size: 10)
        cache.insert("three", at: 3, size: 10)
        #expect(cache.value(at: 1) == "one")
        cache.insert("four", at: 4, size: 10)
        #expect(cache.value(at: 2) == nil)
        #expect(cache.value(at: 1) == "one")
        #expect(cache.value(at: 3) == "three")
        #expect(cache.bytes == 30)
    }

    @Test func keepsOneThatIsTooLarge() {
        var cache = BlockCache<Int>(bytesMax: 10)
        cache.insert(1, at: 1, size: 5)
        cache.insert(2, at: 2, size: 50)
        #expect(cache.count == 1)
        #expect(cache.value(at: 2) == 2)
    }

    @Test func replacesAValue() {
        var cache = BlockCache<Int>(bytesMax: 100)
        cache.insert(1, at: 7, size: 60)
        cache.insert(2, at: 7, size: 30)
        #expect(cache.bytes == 30)
        #expect(cache.value(at: 7) == 2)
    }

    @Test func staysBoundedUnderUse() {
        var cache = BlockCache<Int64>(bytesMax: 100)
        for number in 0..<10_000 as Range<Int64> {
            cache.insert(number, at: number, size: 10)
            for back in (0..<10).reversed() where number >= Int64(back) {
                #expect(cache.value(at: number - Int64(back)) == number - Int64(back))
            }
        }
        #expect(cache.count == 10)
        #expect(cache.bytes == 100)
    }
}
