import CLinuxIO
import SluiceCore

/// An answer that waits for a ticket, or stands behind one that does.
struct PendingAnswer {
    /// The ticket it waits for; meaningless when `isReady`.
    var ticket: UInt64
    /// Where it ends, counted from the connection's first answer byte in this queue.
    var end: Int
    /// What the handler wants back when the ticket fails.
    var tag: UInt32
    var isReady: Bool
    var keepAlive: Bool
    var isHead: Bool
}

/// The answers of one connection, in the order of its requests: bytes, and which of them wait.
/// Attached to a connection only while it has answers that have not gone.
///
/// Invariants: 1. `base <= sent <= released <= end`, all counted from the queue's first byte.
/// 2. `bytes` holds `base..<end`. 3. `entries[first...]` cover `released..<end` in order; the first
/// of them is not ready. Owner: the loop's thread.
final class AnswerQueue {
    var bytes = ByteBuffer(capacity: 1024)
    private var base = 0
    private(set) var sent = 0
    private(set) var released = 0
    private var entries: [PendingAnswer] = []
    private var first = 0

    var end: Int { base &+ bytes.count }
    /// Bytes that may go.
    var sendable: Int { released &- sent }
    var unsent: Int { end &- sent }
    /// Answers that wait.
    var waiting: Int { entries.count &- first }
    var isEmpty: Bool { sent == end }
    /// The ticket of the last answer, if it waits for one.
    var lastTicket: UInt64? {
        guard first < entries.count, let last = entries.last, !last.isReady else { return nil }
        return last.ticket
    }

    /// What was appended to `bytes` since the last record is an answer that waits for nothing but
    /// the answers before it.
    func recordReady() {
        if first == entries.count {
            released = end
        } else {
            entries.append(
                PendingAnswer(
                    ticket: 0, end: end, tag: 0, isReady: true, keepAlive: true, isHead: false))
        }
    }

    /// What was appended to `bytes` since the last record is an answer that waits for `ticket`.
    func recordWaiting(ticket: UInt64, tag: UInt32, keepAlive: Bool, isHead: Bool) {
        entries.append(
            PendingAnswer(
                ticket: ticket, end: end, tag: tag, isReady: false, keepAlive: keepAlive,
                isHead: isHead))
    }

    /// Lets go of what waits for tickets below `ticket`. Whether more can be sent than before.
    func release(below ticket: UInt64) -> Bool {
        let before = released
        while first < entries.count, entries[first].isReady || entries[first].ticket < ticket {
            released = entries[first].end
            first += 1
        }
        forgetReleased()
        return released > before
    }

    /// What waits for exactly this ticket waits for nothing but the answers before it.
    func release(only ticket: UInt64) {
        for index in first..<entries.count where !entries[index].isReady && entries[index].ticket == ticket {
            entries[index].isReady = true
        }
    }

    private func forgetReleased() {
        if first == entries.count {
            entries.removeAll(keepingCapacity: true)
            first = 0
        } else if first >= 64 && first * 2 >= entries.count {
            entries.removeFirst(first)
            first = 0
        }
    }

    /// Puts what `replace` appends in the place of every answer that waits for `ticket`, which it
    /// gets to see; those answers then wait for nothing but the ones before them.
    func fail(
        ticket: UInt64, scratch: inout ByteBuffer,
        replace: (PendingAnswer, Bytes, inout ByteBuffer) -> Void
    ) {
        guard first < entries.count else { return }
        scratch.removeAll()
        scratch.append(bytes.bytes[0..<(released - base)])
        var from = released
        for index in first..<entries.count {
            let entry = entries[index]
            let prepared = bytes.bytes[(from - base)..<(entry.end - base)]
            if !entry.isReady && entry.ticket == ticket {
                replace(entry, prepared, &scratch)
                entries[index].isReady = true
            } else {
                scratch.append(prepared)
            }
            from = entry.end
            entries[index].end = base + scratch.count
        }
        swap(&bytes, &scratch)
        while first < entries.count, entries[first].isReady {
            released = entries[first].end
            first += 1
        }
        forgetReleased()
    }

    /// Sends what may go. Returns the bytes the kernel took, or a negative errno when it took none.
    func send(to descriptor: Int32) -> Int {
        let range = (sent - base)..<(released - base)
        // Safety: the range lies in `bytes`, invariants 1 and 2.
        let taken = unsafe bytes.bytes[range].withUnsafePointer { start, count in
            unsafe clio_send(descriptor, start, count)
        }
        if taken > 0 {
            sent += taken
            if sent == end {
                restart()
            } else if sent - base >= 65_536 && (sent - base) * 2 >= bytes.count {
                bytes.removeFirst(sent - base)
                base = sent
            }
        }
        return taken
    }

    /// Ready for another connection.
    func reset() {
        entries.removeAll(keepingCapacity: true)
        first = 0
        restart()
    }

    private func restart() {
        bytes.removeAll()
        base = 0
        sent = 0
        released = 0
    }
}

/// Free answer queues, last in first out.
///
/// Invariant: `bytes` is what the queues in `free` hold. Owner: the loop's thread.
struct AnswerQueuePool {
    private var free: [AnswerQueue] = []
    private(set) var bytes = 0

    /// A queue that has grown beyond this is not kept.
    private static let keptBytes = 65_536

    mutating func acquire() -> AnswerQueue {
        guard let queue = free.popLast() else { return AnswerQueue() }
        bytes -= queue.bytes.capacity
        return queue
    }

    /// Takes a queue back. Call `trim` after it.
    mutating func release(_ queue: consuming AnswerQueue) {
        guard queue.bytes.capacity <= Self.keptBytes else { return }
        queue.reset()
        bytes += queue.bytes.capacity
        free.append(queue)
    }

    /// Gives queues back to the system until those that are kept hold no more than `limit`.
    mutating func trim(to limit: Int) {
        while bytes > limit, let queue = free.popLast() { bytes -= queue.bytes.capacity }
    }
}
