import SluiceCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What the generator needs to know of an answer.
package struct AnswerHead: Equatable, Sendable {
    package var status = 0
    /// Head and body together.
    package var bytes = 0
    /// The server will close the connection behind it.
    package var closes = false

    package init(status: Int = 0, bytes: Int = 0, closes: Bool = false) {
        self.status = status
        self.bytes = bytes
        self.closes = closes
    }
}

/// What is at the front of received bytes.
package enum AnswerScan: Equatable, Sendable {
    /// Not all of an answer yet.
    case partial
    case whole(AnswerHead)
    /// No HTTP/1.1 answer, or a larger one than is read.
    case malformed
}

/// Finds answers in what a connection received: their status, and where they end.
///
/// A server's heads are the same from answer to answer but for their Date, so that each is first compared
/// with the one before; only where they differ are its fields read.
///
/// Owner: one thread.
package struct AnswerScanner {
    /// Of one answer; its head has at most `headBytesMax`.
    package static let bytesMax = 1 << 20
    static let headBytesMax = 64 << 10

    /// Whether the requests were HEAD, to which no answer has a body.
    let isHead: Bool
    private var known: [UInt8] = []
    private var knownHead = AnswerHead()

    package init(isHead: Bool = false) { self.isHead = isHead }

    /// Reads the answer at the front of `bytes`.
    @inline(__always)
    package mutating func scan(_ bytes: Bytes) -> AnswerScan {
        let length = known.count
        if length > 0, bytes.count >= length, known.withBytes({ bytes[0..<length].equals($0) }) {
            return bytes.count >= knownHead.bytes ? .whole(knownHead) : .partial
        }
        return scanSlowly(bytes)
    }

    @inline(never)
    private mutating func scanSlowly(_ bytes: Bytes) -> AnswerScan {
        // "HTTP/1.1 204": the version, a space, the status.
        guard bytes.count >= 12 else { return .partial }
        guard bytes.hasPrefix("HTTP/1."), bytes[8] == 0x20 else { return .malformed }
        var head = AnswerHead()
        for place in 9..<12 {
            guard bytes[place] >= 0x30, bytes[place] <= 0x39 else { return .malformed }
            head.status = head.status * 10 + Int(bytes[place] - 0x30)
        }
        guard head.status >= 100 else { return .malformed }
        var fields = Fields(closes: bytes[7] == 0x30)
        guard var line = bytes.firstIndex(of: 0x0A).map({ $0 + 1 }) else { return incomplete(bytes) }
        while true {
            guard let end = bytes.firstIndex(of: 0x0A, from: line) else { return incomplete(bytes) }
            let text = bytes[line..<(end > line && bytes[end - 1] == 0x0D ? end - 1 : end)]
            line = end + 1
            if text.count == 0 { break }
            guard fields.read(text) else { return .malformed }
        }
        guard line <= Self.headBytesMax else { return .malformed }
        head.closes = fields.closes
        if isHead || head.status < 200 || head.status == 204 || head.status == 304 {
            head.bytes = line
        } else if fields.isChunked {
            return chunked(bytes, head, from: line)
        } else if let length = fields.length {
            guard length <= Self.bytesMax else { return .malformed }
            head.bytes = line + length
        } else {
            // It lasts until the connection ends, and nobody could tell it from one that was cut off.
            return .malformed
        }
        known.removeAll(keepingCapacity: true)
        for place in 0..<line { known.append(bytes[place]) }
        knownHead = head
        return bytes.count >= head.bytes ? .whole(head) : .partial
    }

    private func incomplete(_ bytes: Bytes) -> AnswerScan {
        bytes.count > Self.headBytesMax ? .malformed : .partial
    }

    private struct Fields {
        var closes: Bool
        var isChunked = false
        var length: Int?

        init(closes: Bool) { self.closes = closes }

        /// False when the line is no field, or its value cannot be.
        mutating func read(_ line: Bytes) -> Bool {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return false }
            let name = line[0..<colon]
            var start = colon + 1
            var end = line.count
            while start < end, line[start] == 0x20 || line[start] == 0x09 { start += 1 }
            while end > start, line[end - 1] == 0x20 || line[end - 1] == 0x09 { end -= 1 }
            let value = line[start..<end]
            if name.equalsIgnoringCase("content-length") {
                guard value.count > 0, value.count <= 12 else { return false }
                var number = 0
                for place in 0..<value.count {
                    guard value[place] >= 0x30, value[place] <= 0x39 else { return false }
                    number = number * 10 + Int(value[place] - 0x30)
                }
                length = number
            } else if name.equalsIgnoringCase("transfer-encoding") {
                isChunked = value.equalsIgnoringCase("chunked")
                return isChunked
            } else if name.equalsIgnoringCase("connection") {
                if value.equalsIgnoringCase("close") { closes = true }
                if value.equalsIgnoringCase("keep-alive") { closes = false }
            }
            return true
        }
    }

    /// RFC 9112, section 7.1: sizes in hex, each on a line, the last of them 0, then trailers.
    private func chunked(_ bytes: Bytes, _ head: AnswerHead, from start: Int) -> AnswerScan {
        var place = start
        var head = head
        while true {
            guard place <= Self.bytesMax else { return .malformed }
            guard place <= bytes.count, let end = bytes.firstIndex(of: 0x0A, from: place) else {
                return place + 64 < bytes.count ? .malformed : .partial
            }
            var size = 0
            var digits = 0
            for at in place..<end {
                guard let digit = Self.hexValue(bytes[at]) else { break }
                digits += 1
                guard digits <= 6 else { return .malformed }
                size = size << 4 | digit
            }
            guard digits > 0 else { return .malformed }
            place = end + 1
            if size == 0 { break }
            place += size + 2
        }
        while true {
            guard let end = bytes.firstIndex(of: 0x0A, from: place) else {
                return bytes.count - place > Self.headBytesMax ? .malformed : .partial
            }
            let isEmpty = end == place || (end == place + 1 && bytes[place] == 0x0D)
            place = end + 1
            if isEmpty { break }
        }
        head.bytes = place
        return .whole(head)
    }

    private static func hexValue(_ byte: UInt8) -> Int? {
        switch byte {
        case 0x30...0x39: Int(byte) - 0x30
        case 0x41...0x46: Int(byte) - 0x41 + 10
        case 0x61...0x66: Int(byte) - 0x61 + 10
        default: nil
        }
    }
}
