/// `,"name":` of each of a few names, each with as much room behind it as a fixed-size copy or comparison reads.
///
/// Immutable. The views it gives end with it.
// @unchecked: nobody changes the memory after init.
@safe final class MemberTexts: @unchecked Sendable {
    /// Bytes that can be read and compared at once, from either of a text's first two.
    static let width = 32
    private static let stride = 40

    private let texts: UnsafeMutablePointer<UInt8>
    /// Bytes of each text; 0 where it is longer than `width`.
    private let sizes: [UInt8]

    init(_ names: [StaticString]) {
        let size = MemberTexts.stride * max(names.count, 1)
        // Safety: freed in deinit only; every byte is initialized.
        unsafe texts = .allocate(capacity: size)
        unsafe texts.initialize(repeating: 0, count: size)
        var sizes: [UInt8] = []
        for (place, name) in names.enumerated() {
            var text = ByteBuffer(capacity: 64)
            text.append(",\"")
            text.append(name)
            text.append("\":")
            sizes.append(text.count <= MemberTexts.width ? UInt8(text.count) : 0)
            for index in 0..<min(text.count, MemberTexts.width) {
                // Safety: index < stride, and place < names.count.
                unsafe texts[place * MemberTexts.stride + index] = text.bytes[index]
            }
        }
        self.sizes = sizes
    }

    deinit {
        // Safety: allocated in init, never given away.
        unsafe texts.deallocate()
    }

    /// The text at `place`; empty where it is too long to be kept, or there is none, as at -1.
    @inline(__always)
    subscript(place: Int) -> Bytes {
        guard UInt(bitPattern: place) < UInt(bitPattern: sizes.count) else { return .empty }
        // Safety: place < names.count, so the text lies within the memory.
        return unsafe Bytes(start: texts + place &* MemberTexts.stride, count: Int(sizes[place]))
    }
}

/// Which member followed which in the objects read before: most senders write theirs in the same order each
/// time. A guess that saves looking a name up; nothing else depends on it.
///
/// Owner: whoever owns the draft.
@safe struct MemberOrder: ~Copyable {
    private static let members = 66
    private static let objects = 64

    private let next: UnsafeMutablePointer<UInt8>

    /// Guesses the order in which the schema has them.
    init() {
        let count = MemberOrder.objects * MemberOrder.members
        // Safety: freed in deinit only; every byte is initialized.
        unsafe next = .allocate(capacity: count)
        for index in 0..<count { unsafe next[index] = UInt8(index % MemberOrder.members) }
    }

    deinit {
        // Safety: allocated in init, never given away.
        unsafe next.deallocate()
    }

    /// The member of `object` that came behind `member`; -1 stands for the object's beginning.
    @inline(__always)
    subscript(object: UInt8, behind member: Int) -> Int {
        get {
            let index = Int(object) &* MemberOrder.members &+ member &+ 1
            precondition(object < MemberOrder.objects && member >= -1 && member < MemberOrder.members - 1)
            // Safety: checked on the line before.
            return unsafe Int(next[index])
        }
        set {
            let index = Int(object) &* MemberOrder.members &+ member &+ 1
            precondition(object < MemberOrder.objects && member >= -1 && member < MemberOrder.members - 1)
            // Safety: checked on the line before.
            unsafe next[index] = UInt8(truncatingIfNeeded: newValue)
        }
    }
}
