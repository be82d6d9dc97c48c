extension JSONReader {
    /// Takes any value, wholly validated, and returns the bytes it was written with.
    ///
    /// In every object of it a key may occur once only, however it is spelled, and there may be at
    /// most `JSONScratch.membersMax` keys.
    package mutating func skipValue() throws(JSONError) -> Range<Int> {
        skipSpace()
        let start = position
        let outerDepth = depth
        let outerKeys = keysHeight
        repeat {
            try skipFirstToken()
            try advance(above: outerDepth)
        } while depth > outerDepth
        keysHeight = outerKeys
        return start..<position
    }

    /// Takes a scalar, or the opening bracket of a container.
    @inline(__always)
    private mutating func skipFirstToken() throws(JSONError) {
        switch try peek() {
        case .object:
            try enterObject()
            scratch[frame: depth] = keysHeight
        case .array: try enterArray()
        case .string: _ = try finishString()
        case .number: _ = try number()
        case .true, .false: _ = try bool()
        case .null: try null()
        }
    }

    /// Goes on to where the next value begins, closing the containers that end on the way.
    @inline(__always)
    private mutating func advance(above outerDepth: Int) throws(JSONError) {
        while depth > outerDepth {
            if !isInObject {
                if try nextElement() { return }
                continue
            }
            let frame = scratch[frame: depth]
            if let key = try nextKey() { return try push(key, first: frame) }
            keysHeight = frame
        }
    }

    private mutating func push(_ key: JSONText, first: Int) throws(JSONError) {
        if let code = scratch.push(key, of: input, first: first, height: keysHeight) {
            throw JSONError(code, offset: Int(key.start))
        }
        keysHeight &+= 1
    }

    /// The keys of one object that were handed to `insert`.
    package struct Keys {
        fileprivate let first: Int
    }

    /// Begins to watch for duplicates among the keys of an object that the caller walks.
    ///
    /// Sets nest as objects do: those opened later are closed earlier. After an error none needs
    /// closing.
    package func openKeys() -> Keys { Keys(first: keysHeight) }

    /// Adds a key, compared with its escapes resolved. Throws `duplicateKey` if `keys` has it, and
    /// `tooManyMembers` when it holds `JSONScratch.membersMax`.
    package mutating func insert(_ key: JSONText, into keys: Keys) throws(JSONError) {
        try push(key, first: keys.first)
    }

    /// Forgets the keys of an object that has ended.
    package mutating func closeKeys(_ keys: Keys) { keysHeight = keys.first }
}
