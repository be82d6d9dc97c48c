import SluiceCore
import SluiceIO

/// A whole request whose ids and times are patched where they stand, so that sending it costs neither memory
/// nor formatting.
///
/// Its text has placeholders: `{{id}}` is the event's id, `{{id:3}}` that of the request's fourth event,
/// `{{time}}` the time of day in RFC 3339 with milliseconds. All are as long as what replaces them, so that
/// Content-Length never changes.
///
/// Invariants: 1. every slot lies within the bytes. 2. outside of the slots the bytes never change. Owner: one
/// thread.
@safe package final class RequestTemplate {
    /// Events in it.
    package let events: Int
    package let count: Int
    private let memory: UnsafeMutablePointer<UInt8>
    private var ids: [IDSlot] = []
    private var times: [Int] = []

    private struct IDSlot {
        /// Of the id's running number.
        let offset: Int
        let event: UInt64
    }

    /// - Parameters:
    ///   - text: see above.
    ///   - events: how many ids one sending uses.
    package init(_ text: String, events: Int, run: RunID, thread: Int) {
        self.events = events
        var bytes: [UInt8] = []
        var rest = text[...]
        while let start = rest.firstRange(of: "{{"), let end = rest[start.upperBound...].firstRange(of: "}}") {
            bytes += rest[..<start.lowerBound].utf8
            let name = rest[start.upperBound..<end.lowerBound]
            if name == "time" {
                times.append(bytes.count)
                bytes += repeatElement(UInt8(ascii: "0"), count: Self.timeLength)
            } else if name == "id" || name.hasPrefix("id:"), let event = Int(name == "id" ? "0" : name.dropFirst(3)),
                (0..<events).contains(event)
            {
                ids.append(IDSlot(offset: bytes.count + RunID.numberOffset, event: UInt64(event)))
                bytes += run.text(thread: thread, number: 0).utf8
            } else {
                bytes += rest[start.lowerBound..<end.upperBound].utf8
            }
            rest = rest[end.upperBound...]
        }
        bytes += rest.utf8
        count = bytes.count
        // Safety: freed in deinit; filled at once.
        unsafe memory = .allocate(capacity: max(1, bytes.count))
        for (index, byte) in bytes.enumerated() { unsafe memory[index] = byte }
        setTime(milliseconds: WallClock.nowMilliseconds)
    }

    deinit {
        // Safety: allocated in init, never given away.
        unsafe memory.deallocate()
    }

    private static let timeLength = 24

    /// The request as it is now. Ends with the next call that changes it.
    package var bytes: Bytes {
        // Safety: `count` bytes were filled in init; the view is used before the next patch.
        @inline(__always) get { unsafe Bytes(start: memory, count: count) }
    }

    /// Gives the events the ids `first`, `first + 1` and so on.
    @inline(__always)
    package func number(from first: UInt64) {
        for slot in ids {
            var value = first &+ slot.event
            var place = slot.offset &+ RunID.numberDigits
            for _ in 0..<RunID.numberDigits {
                place &-= 1
                let digit = UInt8(truncatingIfNeeded: value & 15)
                // Safety: invariant 1.
                unsafe memory[place] = digit &+ (digit < 10 ? 0x30 : 0x57)
                value >>= 4
            }
        }
    }

    /// Sets every time, in milliseconds since 1970.
    package func setTime(milliseconds: Int64) {
        guard !times.isEmpty else { return }
        var text = ByteBuffer(capacity: 32)
        text.appendTimestamp(milliseconds)
        guard text.count == Self.timeLength else { return }
        for offset in times {
            // Safety: invariant 1.
            for place in 0..<Self.timeLength { unsafe memory[offset + place] = text.bytes[place] }
        }
    }
}
