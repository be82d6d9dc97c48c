import Glibc
import SluiceCore

/// Memory that ends at a page nobody may touch: a read behind a view's end stops the process.
@safe final class GuardedMemory {
    private let base: UnsafeMutableRawPointer
    private let size: Int
    private let page: Int

    /// - Parameter capacity: most bytes a view may have.
    init(capacity: Int) {
        page = sysconf(Int32(_SC_PAGESIZE))
        size = (capacity + page - 1) / page * page
        let flags = MAP_PRIVATE | MAP_ANONYMOUS
        // Safety: a fresh mapping, released in deinit; its last page is made unreadable.
        unsafe base = mmap(nil, size + page, PROT_READ | PROT_WRITE, flags, -1, 0)!
        precondition(unsafe mprotect(base + size, page, PROT_NONE) == 0)
    }

    deinit {
        // Safety: the mapping of init, whole.
        unsafe _ = munmap(base, size + page)
    }

    /// Copies `bytes` so that the last one is the last readable one.
    func place(_ bytes: some Collection<UInt8>) -> Bytes {
        precondition(bytes.count <= size)
        // Safety: the view ends where the readable pages end, and lies within them.
        let start = unsafe (base + (size - bytes.count)).assumingMemoryBound(to: UInt8.self)
        for (index, byte) in bytes.enumerated() {
            unsafe start[index] = byte
        }
        return unsafe Bytes(start: UnsafePointer(start), count: bytes.count)
    }
}
