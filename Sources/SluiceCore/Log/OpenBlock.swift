/// The block a shard is filling: canonical events, one per line, and what is known about them.
///
/// Owner: the shard thread while the block is open; the log thread from the moment it is handed
/// over until it is handed back. It is reused, so that filling it allocates nothing once it has
/// grown to its working size.
///
/// Invariants: 1. `payload` holds `eventCount` lines, each ended by a line feed. 2. `ticket` does
/// not change while the block is open.
// @unchecked: one thread owns it at a time; the rings that pass it on order the accesses.
package final class OpenBlock: @unchecked Sendable {
    /// The shard's own running number for the block; answers wait for it.
    package var ticket: UInt64 = 0
    /// Events as they will be stored, each line ended by `\n`.
    package var payload: ByteBuffer
    package var eventCount: Int { events.count }
    /// Hashes of event, session, user and order ids for the block's filter, in any order.
    package var filterHashes: HashList
    /// Hash of (source, type, id) of each event whose id the sender gave, in the order of events.
    package var fingerprints: HashList
    /// Milliseconds since 1970, by our clock; meaningless while `eventCount` is 0.
    package var firstReceivedMilliseconds: Int64 { events.firstMilliseconds }
    package var lastReceivedMilliseconds: Int64 { events.lastMilliseconds }
    // Together, because each access to a member of an object costs a check of its own.
    private var events = Tally()
    /// What the log thread says of it, set before it is handed back.
    package var commit = BlockCommit.pending

    /// - Parameter capacity: bytes of payload to reserve; it grows where one request needs more.
    package init(capacity: Int) {
        payload = ByteBuffer(capacity: capacity)
        filterHashes = HashList(capacity: 1024)
        fingerprints = HashList(capacity: 1024)
    }

    private struct Tally {
        var count = 0
        var firstMilliseconds: Int64 = 0
        var lastMilliseconds: Int64 = 0

        mutating func add(_ milliseconds: Int64) {
            firstMilliseconds = count == 0 ? milliseconds : min(firstMilliseconds, milliseconds)
            lastMilliseconds = count == 0 ? milliseconds : max(lastMilliseconds, milliseconds)
            count += 1
        }
    }

    /// A place to come back to when a request turns out to be refused as a whole.
    package struct Mark {
        package let bytes: Int
        package let events: Int
        package let filterHashes: Int
        package let fingerprints: Int
        package let firstReceivedMilliseconds: Int64
        package let lastReceivedMilliseconds: Int64
    }

    package var mark: Mark {
        let events = events
        return Mark(
            bytes: payload.count, events: events.count, filterHashes: filterHashes.count,
            fingerprints: fingerprints.count, firstReceivedMilliseconds: events.firstMilliseconds,
            lastReceivedMilliseconds: events.lastMilliseconds)
    }

    /// Forgets every event appended since `mark`.
    package func rollback(to mark: Mark) {
        payload.truncate(to: mark.bytes)
        filterHashes.truncate(to: mark.filterHashes)
        fingerprints.truncate(to: mark.fingerprints)
        events = Tally(
            count: mark.events, firstMilliseconds: mark.firstReceivedMilliseconds,
            lastMilliseconds: mark.lastReceivedMilliseconds)
    }

    /// Counts an event whose line was just written to `payload`.
    package func finishEvent(receivedMilliseconds: Int64) {
        events.add(receivedMilliseconds)
    }

    /// Empties the block for its next use under a new ticket.
    package func reset(ticket: UInt64) {
        self.ticket = ticket
        payload.removeAll()
        events = Tally()
        filterHashes.truncate(to: 0)
        fingerprints.truncate(to: 0)
        commit = .pending
    }
}

/// What became of a block that was handed to the log.
package enum BlockCommit: Sendable {
    case pending
    /// On disk, fsynced, under this number.
    case committed(number: Int64)
    /// Not on disk. Senders should try again after so many seconds.
    case failed(retryAfterSeconds: Int)
}

/// A list of 64-bit hashes that keeps its memory.
@safe package struct HashList: ~Copyable {
    private var base: UnsafeMutablePointer<UInt64>
    private var capacity: Int
    package private(set) var count = 0

    package init(capacity: Int) {
        self.capacity = max(capacity, 8)
        // Safety: freed in deinit only.
        unsafe base = .allocate(capacity: self.capacity)
    }

    deinit {
        // Safety: allocated in init or append, never given away.
        unsafe base.deallocate()
    }

    package mutating func append(_ hash: UInt64) {
        if count == capacity {
            let larger = UnsafeMutablePointer<UInt64>.allocate(capacity: capacity * 2)
            // Safety: the new memory takes over the content before the old one is freed.
            unsafe larger.update(from: base, count: count)
            unsafe base.deallocate()
            unsafe base = larger
            capacity *= 2
        }
        // Safety: count < capacity.
        unsafe base[count] = hash
        count += 1
    }

    package subscript(index: Int) -> UInt64 {
        precondition(index >= 0 && index < count)
        // Safety: checked on the line before.
        return unsafe base[index]
    }

    /// Appends all of them as eight bytes each, the lowest first.
    package func appendLittleEndian(to buffer: inout ByteBuffer) {
        #if _endian(little)
            // Safety: `count` hashes are initialized, and are read as the bytes they consist of.
            unsafe base.withMemoryRebound(to: UInt8.self, capacity: count * 8) { start in
                unsafe buffer.append(Bytes(start: start, count: count * 8))
            }
        #else
            for index in 0..<count {
                for byte in 0..<8 { buffer.append(UInt8(truncatingIfNeeded: self[index] >> (8 * byte))) }
            }
        #endif
    }

    package mutating func truncate(to newCount: Int) {
        precondition(newCount >= 0 && newCount <= count)
        count = newCount
    }
}
