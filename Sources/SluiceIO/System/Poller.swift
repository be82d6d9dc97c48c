import CLinuxIO

/// What a descriptor is watched for, and what a readiness report says.
package struct Interest: OptionSet, Sendable {
    package let rawValue: UInt32
    @inlinable package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let readable = Interest(rawValue: 0x001)
    package static let writable = Interest(rawValue: 0x004)
    /// Reported whether asked for or not.
    package static let error = Interest(rawValue: 0x008)
    /// Both directions are closed. Reported whether asked for or not.
    package static let hangup = Interest(rawValue: 0x010)
    /// The peer will send no more.
    package static let peerFinished = Interest(rawValue: 0x2000)
    /// Of several pollers that watch one descriptor, wake not all.
    package static let exclusive = Interest(rawValue: 0x1000_0000)
    /// Report changes only; the reader must read until nothing is left.
    package static let edgeTriggered = Interest(rawValue: 0x8000_0000)
}

/// One readiness report.
package struct Readiness {
    package let token: UInt64
    package let flags: Interest
}

/// An epoll instance and the room for what it reports. Owner: one thread.
@safe package struct Poller: ~Copyable {
    private let epoll: OwnedDescriptor
    private let events: UnsafeMutablePointer<clio_event>
    private let capacity: Int

    /// - Parameter capacity: most reports one `wait` brings.
    package init(capacity: Int = 256) throws(SystemError) {
        epoll = OwnedDescriptor(try checked("epoll_create1", clio_epoll_create()))
        self.capacity = capacity
        // Safety: freed in deinit; wait reads only what the kernel has written.
        unsafe events = .allocate(capacity: capacity)
    }

    deinit {
        // Safety: allocated in init, never given away.
        unsafe events.deallocate()
    }

    /// Closing a descriptor removes it too, so that connections need no call of their own for it.
    package func add(_ descriptor: Int32, _ interest: Interest, token: UInt64) throws(SystemError) {
        _ = try checked("epoll_ctl", clio_epoll_add(epoll.raw, descriptor, interest.rawValue, token))
    }

    package func modify(
        _ descriptor: Int32, _ interest: Interest, token: UInt64
    ) throws(SystemError) {
        _ = try checked(
            "epoll_ctl", clio_epoll_modify(epoll.raw, descriptor, interest.rawValue, token))
    }

    package func remove(_ descriptor: Int32) throws(SystemError) {
        _ = try checked("epoll_ctl", clio_epoll_remove(epoll.raw, descriptor))
    }

    /// Sleeps until something is ready or `milliseconds` have passed (nil: no limit). Returns how
    /// many reports `self[0...]` holds; none also after a signal.
    package mutating func wait(milliseconds: Int?) -> Int {
        let limit = milliseconds.map { Int32(clamping: $0) } ?? -1
        // Safety: the kernel writes at most `capacity` events, all of them in our memory.
        let count = unsafe clio_epoll_wait(epoll.raw, events, Int32(capacity), limit)
        // epoll_wait(2) fails with EBADF, EFAULT or EINVAL only: a broken invariant of this type.
        precondition(count >= 0, "epoll_wait failed")
        return Int(count)
    }

    /// The same with a limit in nanoseconds.
    package mutating func wait(nanoseconds: Int64) -> Int {
        // Safety: the kernel writes at most `capacity` events, all of them in our memory.
        let count = unsafe clio_epoll_wait_precise(
            epoll.raw, events, Int32(capacity), UInt64(max(0, nanoseconds)))
        precondition(count >= 0, "epoll_wait failed")
        return Int(count)
    }

    /// A report of the last `wait`.
    package subscript(index: Int) -> Readiness {
        @inline(__always) get {
            precondition(index >= 0 && index < capacity)
            // Safety: inside the allocation; clio_event is plain data.
            let event = unsafe events[index]
            return Readiness(token: event.token, flags: Interest(rawValue: event.flags))
        }
    }
}
