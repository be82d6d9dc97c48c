import CByteScan

extension JSONReader {
    /// Takes a string.
    package mutating func string() throws(JSONError) -> JSONText {
        skipSpace()
        guard byte(at: position) == 0x22 else { throw unexpected(.expectedString) }
        return try finishString()
    }

    /// Takes a string of `sizes` bytes without escapes, all ASCII. Anything else stays where it is: nil.
    @inline(__always)
    mutating func usualString(_ sizes: ClosedRange<Int32>) -> JSONText? {
        skipSpace()
        guard byte(at: position) == 0x22 else { return nil }
        let start = position &+ 1
        // Safety: start <= count, so the scan covers exactly the rest of the input.
        let size = unsafe cbytescan_plain(base + start, count &- start)
        guard byte(at: start &+ size) == 0x22, sizes.contains(Int32(truncatingIfNeeded: size)) else { return nil }
        position = start &+ size &+ 1
        return JSONText(start: start, count: size, hasEscapes: false)
    }

    /// Takes a number that is not negative, without exponent, and of at most 19 digits, and gives them as a
    /// whole number, without the point. Anything else stays where it is: nil.
    @inline(__always)
    mutating func usualNumber() -> (number: JSONNumber, digits: UInt64)? {
        skipSpace()
        var hasFraction: Int32 = 0
        var digits: UInt64 = 0
        // Safety: covers exactly the rest of the input.
        let size = unsafe cbytescan_plain_number(base + position, count &- position, &hasFraction, &digits)
        guard size > 0 else { return nil }
        let number = JSONNumber(
            start: Int32(truncatingIfNeeded: position), count: Int32(truncatingIfNeeded: size),
            isInteger: hasFraction == 0, isNegative: false)
        return (number, digits)
    }

    /// Goes on behind a number that `usualNumber` found.
    @inline(__always)
    mutating func pass(_ number: JSONNumber) { position = Int(number.start) &+ Int(number.count) }

    /// Whether an object comes next.
    @inline(__always)
    mutating func isAtObject() -> Bool {
        skipSpace()
        return byte(at: position) == 0x7B
    }

    /// Takes the string whose opening quotation mark is at `position`.
    @inline(__always)
    mutating func finishString() throws(JSONError) -> JSONText {
        let start = position &+ 1
        var here = start
        var hasEscapes = false
        while true {
            // Safety: here <= count, so the scan covers exactly the rest of the input.
            here &+= unsafe cbytescan_plain(base + here, count &- here)
            if byte(at: here) == 0x22 {
                position = here &+ 1
                return JSONText(start: start, count: here &- start, hasEscapes: hasEscapes)
            }
            here = try passSpecial(at: here, &hasEscapes)
        }
    }

    /// Passes what stands at `here` in a string and is neither plain ASCII nor the closing
    /// quotation mark; returns the place behind it.
    @inline(never)
    func passSpecial(at here: Int, _ hasEscapes: inout Bool) throws(JSONError) -> Int {
        guard here < count else { throw JSONError(.unexpectedEnd, offset: count) }
        let first = byte(at: here)
        if first >= 0x80 {
            // Safety: covers exactly the rest of the input.
            let behind = unsafe here &+ Int(cbytescan_utf8(base + here, count &- here))
            if byte(at: behind) >= 0x80 { throw JSONError(.invalidUTF8, offset: behind) }
            return behind
        }
        guard first == 0x5C else { throw JSONError(.controlCharacter, offset: here) }
        hasEscapes = true
        guard here &+ 1 < count else { throw JSONError(.unexpectedEnd, offset: count) }
        switch byte(at: here &+ 1) {
        case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74: return here &+ 2
        case 0x75: return try passUnicodeEscape(at: here)
        default: throw JSONError(.invalidEscape, offset: here)
        }
    }

    /// Passes `\uXXXX` at `here`, or two of them that make a surrogate pair.
    private func passUnicodeEscape(at here: Int) throws(JSONError) -> Int {
        let unit = try fourHexDigits(at: here &+ 2, of: here)
        switch unit & 0xFC00 {
        case 0xD800:
            guard byte(at: here &+ 6) == 0x5C, byte(at: here &+ 7) == 0x75 else {
                throw JSONError(.loneSurrogate, offset: here)
            }
            let low = try fourHexDigits(at: here &+ 8, of: here &+ 6)
            guard low & 0xFC00 == 0xDC00 else { throw JSONError(.loneSurrogate, offset: here) }
            return here &+ 12
        case 0xDC00: throw JSONError(.loneSurrogate, offset: here)
        default: return here &+ 6
        }
    }

    private func fourHexDigits(at index: Int, of escape: Int) throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for place in index..<index &+ 4 {
            guard place < count else { throw JSONError(.unexpectedEnd, offset: count) }
            let digit = hexValue(byte(at: place))
            guard digit < 16 else { throw JSONError(.invalidEscape, offset: escape) }
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    /// Takes a number; its text is kept, no value is computed.
    package mutating func number() throws(JSONError) -> JSONNumber {
        skipSpace()
        let start = position
        let (isInteger, isNegative) = try passNumber()
        guard position &- start <= JSONReader.numberBytesMax else {
            throw JSONError(.numberTooLong, offset: start)
        }
        return JSONNumber(
            start: Int32(truncatingIfNeeded: start), count: Int32(truncatingIfNeeded: position &- start),
            isInteger: isInteger, isNegative: isNegative)
    }

    /// Passes a number of any length that begins at `position`.
    @inline(__always)
    mutating func passNumber() throws(JSONError) -> (isInteger: Bool, isNegative: Bool) {
        let isNegative = byte(at: position) == 0x2D
        if isNegative { position &+= 1 }
        let first = byte(at: position)
        guard isDigit(first) else { throw unexpected(isNegative ? .invalidNumber : .expectedNumber) }
        position &+= 1
        if first != 0x30 {
            passDigits()
        } else if isDigit(byte(at: position)) {
            throw JSONError(.invalidNumber, offset: position)
        }
        var isInteger = true
        if byte(at: position) == 0x2E {
            isInteger = false
            position &+= 1
            guard isDigit(byte(at: position)) else { throw unexpected(.invalidNumber) }
            passDigits()
        }
        if byte(at: position) | 0x20 == 0x65 {
            isInteger = false
            position &+= 1
            let sign = byte(at: position)
            if sign == 0x2B || sign == 0x2D { position &+= 1 }
            guard isDigit(byte(at: position)) else { throw unexpected(.invalidNumber) }
            passDigits()
        }
        return (isInteger, isNegative)
    }

    @inline(__always)
    private func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    @inline(__always)
    private mutating func passDigits() {
        while isDigit(byte(at: position)) { position &+= 1 }
    }

    /// Takes `true` or `false`.
    package mutating func bool() throws(JSONError) -> Bool {
        skipSpace()
        switch byte(at: position) {
        case 0x74:
            try literal("true")
            return true
        case 0x66:
            try literal("false")
            return false
        default: throw unexpected(.expectedBool)
        }
    }

    /// Takes `null`.
    package mutating func null() throws(JSONError) {
        skipSpace()
        guard byte(at: position) == 0x6E else { throw unexpected(.expectedNull) }
        try literal("null")
    }

    /// Takes `word`, whose first byte has been seen at `position`.
    private mutating func literal(_ word: StaticString) throws(JSONError) {
        let word = Bytes(word)
        for index in 0..<word.count where byte(at: position &+ index) != word[index] {
            let cut = position &+ index >= count
            throw JSONError(cut ? .unexpectedEnd : .invalidLiteral, offset: cut ? count : position)
        }
        position &+= word.count
    }
}
