import SluiceCore
import Testing

@testable import SluiceLog

@Suite struct ShardChannelTests {
    @Test func boundsTheBlocksThatAreOut() {
        let parker = TestParker()
        let channel = ShardChannel(shard: 0, wakeShard: parker, capacity: 4)
        for ticket in 1...4 as ClosedRange<UInt64> {
            #expect(channel.submit(openBlock(["a"], ticket: ticket)))
        }
        #expect(channel.blocksOut == 4)
        #expect(!channel.submit(openBlock(["b"], ticket: 5)))
        // Taken by the log thread and given back, but not yet taken back: still out.
        while let block = channel.takeSubmitted() { channel.giveBack(block) }
        #expect(!channel.submit(openBlock(["b"], ticket: 5)))
        #expect(channel.takeReturned()?.ticket == 1)
        #expect(channel.blocksOut == 3)
        #expect(channel.submit(openBlock(["b"], ticket: 5)))
        #expect(channel.takeReturned()?.ticket == 2)
    }

    @Test func wakesTheLog() {
        let log = TestParker()
        let channel = ShardChannel(shard: 0, wakeShard: TestParker(), capacity: 4)
        channel.attach(log)
        #expect(channel.submit(openBlock(["a"])))
        log.park(milliseconds: nil)  // returns because it was woken
        #expect(channel.takeReturned() == nil)
    }
}
