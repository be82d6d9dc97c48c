import CLinuxIO
import SluiceCore
import SluiceHTTP

/// Memory a connection reads into, attached to it only while it holds bytes not yet handled.
///
/// Invariant: `0 <= start <= end <= capacity`; the bytes in `start..<end` were received and not
/// yet handled. Owner: the loop's thread.
@safe final class ReceiveBuffer {
    static let smallest = 16_384

    let capacity: Int
    /// Beyond the pool's limit: to be given back when the turn ends.
    let isOverdraft: Bool
    private let memory: UnsafeMutablePointer<UInt8>
    private(set) var start = 0
    private(set) var end = 0

    init(capacity: Int, isOverdraft: Bool = false) {
        self.capacity = capacity
        self.isOverdraft = isOverdraft
        // Safety: freed in deinit; only bytes below `end` are ever read.
        unsafe memory = .allocate(capacity: capacity)
    }

    deinit {
        // Safety: allocated in init, never given away.
        unsafe memory.deallocate()
    }

    var count: Int { end &- start }
    var isEmpty: Bool { start == end }
    /// Bytes that can still be received behind the content.
    var room: Int { capacity &- end }

    /// What has been received and not yet handled. Ends when the buffer changes.
    var unread: Bytes {
        // Safety: the invariant.
        unsafe Bytes(start: memory + start, count: count)
    }

    /// Reads once from a socket: the number of bytes, 0 at its end, or a negative errno.
    func receive(from descriptor: Int32) -> Int {
        // Safety: `room` bytes lie behind `end`.
        let received = unsafe clio_receive(descriptor, memory + end, room)
        if received > 0 { end += received }
        return received
    }

    /// The first `amount` unread bytes have been handled.
    func consume(_ amount: Int) {
        precondition(amount >= 0 && amount <= count)
        start += amount
        if start == end { removeAll() }
    }

    func removeAll() {
        start = 0
        end = 0
    }

    /// Moves the unread bytes to the front.
    func compact() {
        guard start > 0 else { return }
        // Safety: both ranges lie in the allocation; update(from:) allows overlap.
        unsafe memory.update(from: memory + start, count: count)
        end -= start
        start = 0
    }

    /// Takes over the unread bytes of a smaller buffer. This one must be empty.
    func take(_ other: ReceiveBuffer) {
        precondition(isEmpty && other.count <= capacity)
        // Safety: two allocations, both large enough by the line before.
        unsafe memory.update(from: other.memory + other.start, count: other.count)
        end = other.count
        other.removeAll()
    }

    /// Decodes chunks in place. The unread bytes hold `decoded` bytes of head and decoded body and
    /// raw bytes behind them; afterwards they hold more decoded bytes and, directly behind them,
    /// the raw bytes left over.
    func decodeChunks(_ decoder: inout ChunkedBodyDecoder, decoded: inout Int) -> ChunkedResult {
        var decodedEnd = start + decoded
        var rawStart = decodedEnd
        // Safety: start <= decodedEnd <= rawStart <= end, and the memory holds `end` bytes.
        let result = unsafe decoder.decode(
            memory, decodedEnd: &decodedEnd, rawStart: &rawStart, rawEnd: end)
        precondition(decodedEnd <= rawStart && rawStart <= end)
        // Safety: both ranges lie in the allocation; update(from:) allows overlap.
        unsafe (memory + decodedEnd).update(from: memory + rawStart, count: end - rawStart)
        end -= rawStart - decodedEnd
        decoded = decodedEnd - start
        return result
    }
}

/// The receive buffers of one loop: free ones by size, last in first out, so that a busy loop
/// keeps using the same warm memory.
///
/// When the budget is spent by requests that are incomplete, those that arrive whole still find a
/// buffer for the moment it takes to handle them: the overdraft. Otherwise whoever opens enough
/// connections and sends one byte on each would shut out everybody.
///
/// Invariants: 1. `allocatedBytes <= limit + overdraftBytes`, and it counts every buffer, attached or
/// free; free ones are no overdraft.
/// 2. capacities are powers of two times the smallest. Owner: the loop's thread.
struct BufferPool {
    let limit: Int
    private(set) var allocatedBytes = 0
    private var free: [[ReceiveBuffer]]

    /// Free buffers kept of each size but the smallest, of which all are kept.
    private static let largeKept = 2
    private static let sizes = 20
    static let overdraftBytes = EdgeLimits.receiveOverdraftBytes

    init(limit: Int) {
        self.limit = limit
        free = [[ReceiveBuffer]](repeating: [], count: Self.sizes)
    }

    private static func sizeClass(of capacity: Int) -> Int {
        var index = 0
        var size = ReceiveBuffer.smallest
        while size < capacity {
            size *= 2
            index += 1
        }
        return index
    }

    /// An empty buffer of the smallest size, from the overdraft if need be; nil when that is spent, too.
    mutating func acquireFirst() -> ReceiveBuffer? {
        if let buffer = acquire() { return buffer }
        guard allocatedBytes + ReceiveBuffer.smallest <= limit + Self.overdraftBytes else { return nil }
        allocatedBytes += ReceiveBuffer.smallest
        return ReceiveBuffer(capacity: ReceiveBuffer.smallest, isOverdraft: true)
    }

    /// An empty buffer for at least `capacity` bytes, or nil when the budget is spent.
    mutating func acquire(capacity: Int = ReceiveBuffer.smallest) -> ReceiveBuffer? {
        let index = Self.sizeClass(of: capacity)
        guard index < Self.sizes else { return nil }
        if let buffer = free[index].popLast() { return buffer }
        let size = ReceiveBuffer.smallest << index
        if allocatedBytes + size > limit { dropFree(until: limit - size) }
        guard allocatedBytes + size <= limit else { return nil }
        allocatedBytes += size
        return ReceiveBuffer(capacity: size)
    }

    mutating func release(_ buffer: consuming ReceiveBuffer) {
        buffer.removeAll()
        let index = buffer.capacity == ReceiveBuffer.smallest ? 0 : Self.sizeClass(of: buffer.capacity)
        if buffer.isOverdraft || (index > 0 && free[index].count >= Self.largeKept) {
            allocatedBytes -= buffer.capacity
        } else {
            free[index].append(buffer)
        }
    }

    /// Gives free buffers back to the system, large ones first.
    private mutating func dropFree(until target: Int) {
        for index in free.indices.reversed() {
            while allocatedBytes > target, let buffer = free[index].popLast() {
                allocatedBytes -= buffer.capacity
            }
        }
    }
}
