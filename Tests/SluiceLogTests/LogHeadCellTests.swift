import SluiceCore
import Testing

@testable import SluiceLog

@Suite struct LogHeadCellTests {
    /// A reader never sees the block of one moment with the events of another.
    @Test func showsBothFiguresOfOneMoment() {
        let cell = LogHeadCell(LogHead(nextBlock: 1, events: 3))
        let publisher = TestThread {
            for number in 1...200_000 as ClosedRange<Int64> {
                cell.publish(LogHead(nextBlock: number, events: number * 3))
            }
        }
        var torn = 0
        var last: Int64 = 0
        while last < 200_000 {
            let head = cell.load()
            if head.events != head.nextBlock * 3 || head.nextBlock < last { torn += 1 }
            last = max(last, head.nextBlock)
        }
        publisher.join()
        #expect(torn == 0)
    }
}
