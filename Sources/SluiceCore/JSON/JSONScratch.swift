import CByteScan

/// Memory a JSON reader works with, kept between requests so that reading allocates nothing.
///
/// It holds the keys of the objects that are open at the moment and whose duplicates are looked
/// for, the innermost object's last: a stack. The reader knows how high the stack is; a new
/// reader begins with an empty one, so that at most one reader may use a scratch at a time.
///
/// Keys are found by comparing 32-bit hashes in order, four at a time. That is quadratic in the
/// members of one object, which is why their number is bounded: a full object of 256 costs some
/// 8,000 vector comparisons, less than reading its text.
///
/// Invariants: 1. a stack's height never exceeds `capacity`. 2. `hashes[i]` is the hash of the
/// decoded spelling of `places[i]`. Owner: the thread of the reader.
@safe package final class JSONScratch {
    /// Most members of one object whose names are looked through for duplicates.
    package static let membersMax = 256
    /// Deepest nesting any reader can follow: it keeps one bit per level.
    package static let depthLimit = 64

    /// Where a key lies: in the reader's input, or, if it was written with escapes, decoded in
    /// `decodedKeys`.
    struct Place {
        let start: Int32
        let count: Int32
        let isDecoded: Bool
    }

    let capacity: Int
    private let hashes: UnsafeMutablePointer<UInt32>
    private let places: UnsafeMutablePointer<Place>
    private let frames: UnsafeMutablePointer<Int32>
    private let seed: UInt64
    var decodedKeys: ByteBuffer
    var decodedText: ByteBuffer

    package init() {
        capacity = JSONScratch.depthLimit * JSONScratch.membersMax
        // Safety: freed in deinit only. Pages that are never used are never made.
        unsafe hashes = .allocate(capacity: capacity)
        unsafe places = .allocate(capacity: capacity)
        unsafe frames = .allocate(capacity: JSONScratch.depthLimit + 1)
        unsafe frames.initialize(repeating: 0, count: JSONScratch.depthLimit + 1)
        seed = UInt64.random(in: .min ... .max)
        decodedKeys = ByteBuffer(capacity: 256)
        decodedText = ByteBuffer(capacity: 1024)
    }

    deinit {
        // Safety: allocated in init, never given away; the elements are trivial.
        unsafe hashes.deallocate()
        unsafe places.deallocate()
        unsafe frames.deallocate()
    }

    /// Height of the stack when the object at nesting `depth` was entered.
    subscript(frame depth: Int) -> Int {
        get {
            precondition(depth >= 0 && depth <= JSONScratch.depthLimit)
            // Safety: checked on the line before; initialized in init.
            return unsafe Int(frames[depth])
        }
        set {
            precondition(depth >= 0 && depth <= JSONScratch.depthLimit)
            // Safety: as above.
            unsafe frames[depth] = Int32(truncatingIfNeeded: newValue)
        }
    }

    /// Puts `key` onto the stack at `height`, unless it is among the keys from `first` on.
    ///
    /// - Returns: nil when it was put there, else why not.
    func push(_ key: JSONText, of input: Bytes, first: Int, height: Int) -> JSONError.Code? {
        guard height - first < JSONScratch.membersMax, height < capacity else { return .tooManyMembers }
        precondition(first >= 0 && first <= height)
        var place = Place(start: key.start, count: key.count, isDecoded: false)
        if key.hasEscapes {
            let start = decodedKeys.count
            key.decode(in: input, into: &decodedKeys)
            place = Place(
                start: Int32(truncatingIfNeeded: start),
                count: Int32(truncatingIfNeeded: decodedKeys.count - start), isDecoded: true)
        }
        let name = bytes(of: place, input)
        // Safety: reads exactly the bytes of the view.
        let hash = unsafe cbytescan_hash32(name.base, name.count, seed)
        var candidate = first
        while true {
            // Safety: first <= candidate <= height <= capacity, and all below height is filled.
            candidate += unsafe cbytescan_find32(hashes + candidate, height - candidate, hash)
            guard candidate < height else { break }
            // Safety: candidate < height.
            if bytes(of: unsafe places[candidate], input).equals(name) { return .duplicateKey }
            candidate += 1
        }
        // Safety: height < capacity, checked first.
        unsafe hashes[height] = hash
        unsafe places[height] = place
        return nil
    }

    private func bytes(of place: Place, _ input: Bytes) -> Bytes {
        let range = Int(place.start)..<Int(place.start) + Int(place.count)
        return place.isDecoded ? decodedKeys.bytes[range] : input[range]
    }
}
