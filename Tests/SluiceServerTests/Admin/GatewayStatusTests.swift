import SluiceCore
import SluiceServer
import Testing

@Suite struct GatewayStatusTests {
    @Test func aBookBalancesWhenEveryEventHasItsPlace() {
        let books = Books(GatewayStatus.example)
        #expect(books.balanced)
        #expect(books.destinations.map(\.accepted) == [90, 100])
        #expect(books.destinations.map(\.pending) == [20, 0])
    }

    @Test(arguments: [-1, 1] as [Int64])
    func aLostOrDoubledEventIsSeen(difference: Int64) {
        var status = GatewayStatus.example
        status.destinations[1].delivered += difference
        let books = Books(status)
        #expect(!books.balanced)
        #expect(books.destinations.map(\.balanced) == [true, false])
    }

    /// The log's head is read before the cursors, which may have gone on meanwhile.
    @Test func aCursorAheadOfTheHeadIsNoLoss() {
        var status = GatewayStatus.example
        status.log.events = 95
        let book = Book(status.destinations[1], logEvents: status.log.events)
        #expect(book.balanced)
        #expect(book.accepted == 100)
        #expect(book.pending == 0)
    }

    /// Outcomes behind the cursor are counted, too, and are no longer pending.
    @Test func outcomesAheadOfTheCursorAreNotPending() {
        var status = GatewayStatus.example
        status.destinations[0].delivered += 7
        status.destinations[0].ahead = 7
        let book = Books(status).destinations[0]
        #expect(book.balanced)
        #expect(book.pending == 13)
        status.destinations[0].ahead = 6
        #expect(!Books(status).balanced)
    }
}
