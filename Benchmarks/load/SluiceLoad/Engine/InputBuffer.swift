import SluiceCore
import SluiceIO

/// Where all connections of a thread are read into, one after the other. Owner: that thread.
@safe final class InputBuffer {
    /// One answer of the largest size that is read, and more.
    private static let capacity = AnswerScanner.bytesMax + AnswerScanner.headBytesMax + (256 << 10)
    private let memory: UnsafeMutablePointer<UInt8>

    init() {
        // Safety: freed in deinit; only bytes that were written are read.
        unsafe memory = .allocate(capacity: Self.capacity)
    }

    deinit {
        // Safety: allocated in init, never given away.
        unsafe memory.deallocate()
    }

    /// What was kept from the last time, at the front.
    func put(_ bytes: [UInt8]) {
        precondition(bytes.count <= Self.capacity)
        // Safety: the capacity was checked.
        for (place, byte) in bytes.enumerated() { unsafe memory[place] = byte }
    }

    func room(behind count: Int) -> Int { Self.capacity - count }

    /// Reads once: the number of bytes, 0 at the end, or a negative errno.
    func receive(from socket: ClientSocket, behind count: Int) -> Int {
        precondition(count >= 0 && count < Self.capacity)
        // Safety: `room` bytes lie behind `count`.
        return unsafe socket.receive(into: memory + count, room: room(behind: count))
    }

    /// Ends with the next `put` or `receive`.
    func bytes(_ range: Range<Int>) -> Bytes {
        precondition(range.lowerBound >= 0 && range.upperBound <= Self.capacity)
        // Safety: inside the allocation; the caller asks for what it has written.
        return unsafe Bytes(start: memory + range.lowerBound, count: range.count)
    }
}

/// Indexes in the order they came, each at most once; bounded by its capacity.
struct IndexQueue {
    private var ring: [Int]
    private var head = 0
    private var count = 0

    init(capacity: Int) { ring = [Int](repeating: 0, count: max(1, capacity)) }

    var isEmpty: Bool { count == 0 }

    mutating func push(_ index: Int) {
        precondition(count < ring.count)
        var place = head + count
        if place >= ring.count { place -= ring.count }
        ring[place] = index
        count += 1
    }

    mutating func pop() -> Int? {
        guard count > 0 else { return nil }
        let index = ring[head]
        head = head + 1 == ring.count ? 0 : head + 1
        count -= 1
        return index
    }
}
