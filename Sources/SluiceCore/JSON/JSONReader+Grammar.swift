import CByteScan

extension JSONReader {
    /// Takes any value that is JSON by the grammar of RFC 8259 in UTF-8, whatever `JSONError.Code.isPolicy`
    /// says of it: keys may repeat, numbers may be long, nesting may be deep.
    ///
    /// It is how a reader gets behind a value that was refused, to what came with it. Costs one bit of
    /// memory for each level of nesting and no stack, so nothing but the input bounds the depth.
    package mutating func passValue() throws(JSONError) {
        var open = OpenContainers()
        repeat {
            var isFresh = false
            switch try peek() {
            case .object:
                open.push(isObject: true)
                isFresh = true
                position &+= 1
            case .array:
                open.push(isObject: false)
                isFresh = true
                position &+= 1
            case .string: try passString()
            case .number: _ = try passNumber()
            case .true, .false: _ = try bool()
            case .null: try null()
            }
            try passToNextValue(&open, isFresh: isFresh)
        } while !open.isEmpty
    }

    /// Goes on to where the next value begins, closing the containers that end on the way.
    ///
    /// - Parameter isFresh: the innermost one has just been opened: no comma comes first.
    private mutating func passToNextValue(_ open: inout OpenContainers, isFresh: Bool) throws(JSONError) {
        var isFresh = isFresh
        while !open.isEmpty {
            skipSpace()
            let isObject = open.isInObject
            if byte(at: position) == (isObject ? 0x7D : 0x5D) {
                position &+= 1
                open.pop()
                isFresh = false
                continue
            }
            if !isFresh {
                guard byte(at: position) == 0x2C else {
                    throw unexpected(isObject ? .expectedCommaOrBrace : .expectedCommaOrBracket)
                }
                position &+= 1
                skipSpace()
            }
            guard isObject else { return }
            guard byte(at: position) == 0x22 else { throw unexpected(.expectedKey) }
            try passString()
            skipSpace()
            guard byte(at: position) == 0x3A else { throw unexpected(.expectedColon) }
            position &+= 1
            return
        }
    }

    /// Takes the string whose opening quotation mark is at `position`. Halves of surrogate pairs pass:
    /// the grammar has `%x75 4HEXDIG` and asks no more.
    private mutating func passString() throws(JSONError) {
        var here = position &+ 1
        var hasEscapes = false
        while true {
            // Safety: here <= count, so the scan covers exactly the rest of the input.
            here &+= unsafe cbytescan_plain(base + here, count &- here)
            if byte(at: here) == 0x22 {
                position = here &+ 1
                return
            }
            do throws(JSONError) {
                here = try passSpecial(at: here, &hasEscapes)
            } catch {
                guard error.code == .loneSurrogate else { throw error }
                // Its four digits have been checked; what stands behind them has not.
                here = Int(error.offset) &+ 6
            }
        }
    }

    /// Appends where in the value that comes next the byte at `offset` lies: decoded keys and
    /// `[index]`, as in `order.items[2].sku`, as far down as `levelsMax` and as its keys can be read.
    /// The reader stands anywhere afterwards.
    package mutating func appendPath(to offset: Int, levelsMax: Int = 6, into out: inout ByteBuffer) {
        let start = out.count
        do throws(JSONError) {
            for _ in 0..<levelsMax {
                let goesOn =
                    switch try peek() {
                    case .object: try stepIntoMember(at: offset, start, &out)
                    case .array: try stepIntoElement(at: offset, &out)
                    default: false
                    }
                guard goesOn else { return }
            }
        } catch {
            // The path so far is right; the rest of it cannot be written.
        }
    }

    /// Appends the key of the member that `offset` lies in. False when it lies in the key itself, or nowhere.
    private mutating func stepIntoMember(
        at offset: Int, _ start: Int, _ out: inout ByteBuffer
    ) throws(JSONError) -> Bool {
        try enterObject()
        while let key = try nextKey() {
            let value = checkpoint
            let isInKey = position > offset
            if !isInKey {
                try passValue()
                if position <= offset { continue }
            }
            if out.count > start { out.append(0x2E) }
            key.decode(in: input, into: &out)
            restore(value)
            return !isInKey
        }
        return false
    }

    private mutating func stepIntoElement(at offset: Int, _ out: inout ByteBuffer) throws(JSONError) -> Bool {
        var index = 0
        try enterArray()
        while try nextElement() {
            let value = checkpoint
            try passValue()
            if position > offset {
                out.append(0x5B)
                out.appendDecimal(index)
                out.append(0x5D)
                restore(value)
                return true
            }
            index += 1
        }
        return false
    }
}

/// Which containers are open, one bit each, the innermost last: 1 is an object.
private struct OpenContainers {
    private var words: [UInt64] = []
    private var count = 0

    var isEmpty: Bool { count == 0 }

    /// Whether the innermost one is an object; there is one.
    var isInObject: Bool { words[(count - 1) / 64] >> UInt64((count - 1) % 64) & 1 == 1 }

    mutating func push(isObject: Bool) {
        let (word, bit) = (count / 64, UInt64(1) << UInt64(count % 64))
        if word == words.count { words.append(0) }
        if isObject { words[word] |= bit } else { words[word] &= ~bit }
        count += 1
    }

    mutating func pop() { count -= 1 }
}
