import SluiceCore

/// An answer to a request with duplicates, written and held by the loop.
struct DuplicateAnswer {
    /// The loop's name for it.
    var number: UInt64
    var counts: HeldCounts.Entry
    /// Monotonic.
    var arrivedMicroseconds: Int64
    /// The ticket of the block with the request's other events; 0 when there are none.
    var ownTicket: UInt64
    /// Whether that block could not be committed.
    var hasFailed = false
    /// How many duplicates it holds.
    var duplicates: Int
}

/// A shard's answers to duplicates that wait for the blocks of all shards, in the order in which they came.
///
/// Answers of one batch are a group: they wait for the same tickets. Tickets rise, so groups end in order.
///
/// Invariants: 1. `answers` from `firstAnswer` on belong to the groups from `firstGroup` on, in order; behind
/// them come those of the batch at hand. 2. `found` holds their duplicates in the same order. 3. `tickets`
/// holds one ticket for each shard and group, 0 where nothing is awaited.
///
/// Owner: the shard thread. The arrays keep their memory.
struct WaitingDuplicates {
    /// Beyond so many, requests with duplicates are put off.
    static let answersMax = 4096
    /// Duplicates those answers hold, all together; a request may go beyond it.
    static let duplicatesMax = 65_536

    private var answers: [DuplicateAnswer] = []
    private var firstAnswer = 0
    private var found: [FoundDuplicate] = []
    private var firstFound = 0
    /// Numbers of answers, group by group.
    private var groups: [Int] = []
    private var firstGroup = 0
    private var tickets: [UInt64] = []
    private let shards: Int
    /// Answers that belong to no group yet.
    private var ungrouped = 0

    init(shards: Int) {
        self.shards = shards
        answers.reserveCapacity(256)
        found.reserveCapacity(1024)
        groups.reserveCapacity(64)
        tickets.reserveCapacity(64 * shards)
    }

    var isEmpty: Bool { firstAnswer == answers.count }
    var hasUngrouped: Bool { ungrouped > 0 }

    var isFull: Bool {
        answers.count - firstAnswer >= WaitingDuplicates.answersMax
            || found.count - firstFound >= WaitingDuplicates.duplicatesMax
    }

    mutating func add(_ answer: DuplicateAnswer, _ duplicates: [FoundDuplicate]) {
        precondition(answer.duplicates == duplicates.count)
        answers.append(answer)
        for index in 0..<duplicates.count { found.append(duplicates[index]) }
        ungrouped += 1
    }

    /// The batch is over: its answers wait for what is outstanding now.
    mutating func closeGroup(_ progress: [ShardProgress]) {
        guard ungrouped > 0 else { return }
        groups.append(ungrouped)
        ungrouped = 0
        for index in 0..<shards { tickets.append(progress[index].outstanding) }
    }

    /// A block of this shard could not be committed: neither could what else was in those requests.
    mutating func fail(ownTicket: UInt64) {
        for index in firstAnswer..<answers.count where answers[index].ownTicket == ownTicket {
            answers[index].hasFailed = true
        }
    }

    /// Whether the oldest group has nothing to wait for any more.
    mutating func isFirstOver(_ progress: [ShardProgress]) -> Bool {
        guard firstGroup < groups.count else { return false }
        let start = firstGroup * shards
        for index in 0..<shards where tickets[start + index] != 0 {
            guard progress[index].isOver(tickets[start + index]) else { return false }
            tickets[start + index] = 0
        }
        return true
    }

    /// Takes the oldest group out, answer by answer.
    ///
    /// - Parameter body: whether every original is still known decides the answer's fate.
    mutating func takeFirst(
        isKnown: (FoundDuplicate) -> Bool, _ body: (_ answer: DuplicateAnswer, _ originalsStand: Bool) -> Void
    ) {
        for _ in 0..<groups[firstGroup] {
            let answer = answers[firstAnswer]
            firstAnswer += 1
            var stand = true
            for index in firstFound..<firstFound + answer.duplicates where !isKnown(found[index]) {
                stand = false
            }
            firstFound += answer.duplicates
            body(answer, stand)
        }
        firstGroup += 1
        forgetTaken()
    }

    /// Forgets everything: the loop has ended, and nobody can be answered.
    mutating func removeAll() {
        firstAnswer = answers.count
        firstFound = found.count
        firstGroup = groups.count
        ungrouped = 0
        forgetTaken()
    }

    private mutating func forgetTaken() {
        if firstAnswer == answers.count {
            answers.removeAll(keepingCapacity: true)
            found.removeAll(keepingCapacity: true)
            groups.removeAll(keepingCapacity: true)
            tickets.removeAll(keepingCapacity: true)
            (firstAnswer, firstFound, firstGroup) = (0, 0, 0)
        } else if firstGroup >= 256 {
            answers.removeFirst(firstAnswer)
            found.removeFirst(firstFound)
            groups.removeFirst(firstGroup)
            tickets.removeFirst(firstGroup * shards)
            (firstAnswer, firstFound, firstGroup) = (0, 0, 0)
        }
    }
}
