import SluiceCore
import Testing

@Suite struct ByteBufferTests {
    @Test func growsAndKeepsItsContent() {
        var buffer = ByteBuffer(capacity: 0)
        var expected: [UInt8] = []
        for round in 0..<2000 {
            let byte = UInt8(truncatingIfNeeded: round)
            buffer.append(byte)
            expected.append(byte)
            [byte, byte, 7].withBytes { buffer.append($0) }
            expected += [byte, byte, 7]
        }
        #expect(buffer.bytes.array == expected)
        #expect(buffer.count == expected.count && buffer.capacity >= buffer.count)
    }

    @Test func growsByDoublingOrByWhatIsNeeded() {
        var buffer = ByteBuffer(capacity: 16)
        [UInt8](repeating: 1, count: 16).withBytes { buffer.append($0) }
        #expect(buffer.capacity == 16)
        buffer.append(UInt8(2))
        #expect(buffer.capacity == 32)
        [UInt8](repeating: 3, count: 1000).withBytes { buffer.append($0) }
        #expect(buffer.capacity == 1017)
        buffer.removeAll()
        #expect(buffer.bytes.isEmpty)
        #expect(buffer.capacity == 1017)
        buffer.reserve(1017)
        #expect(buffer.capacity == 1017)
    }

    @Test func appendsDecimals() {
        for value in [0, 1, -1, 9, 10, 99, 100, 12345, -98765, Int.max, Int.min] {
            var buffer = ByteBuffer(capacity: 1)
            buffer.append("n=")
            buffer.appendDecimal(value)
            #expect(buffer.bytes.string == "n=\(value)")
        }
    }

    @Test func appendsStringsAndLiterals() {
        var buffer = ByteBuffer(capacity: 1)
        buffer.append("literal ")
        let string: String = "stríng 😀"
        buffer.append(string)
        #expect(buffer.bytes.string == "literal stríng 😀")
    }

    @Test func truncatesAndRemoves() {
        var buffer = ByteBuffer(capacity: 1)
        buffer.append("0123456789")
        buffer.truncate(to: 8)
        #expect(buffer.bytes.equals("01234567"))
        buffer.removeFirst(3)
        #expect(buffer.bytes.equals("34567"))
        buffer.removeFirst(0)
        buffer.append("8")
        #expect(buffer.bytes.equals("345678"))
        buffer.removeFirst(6)
        let isEmpty = buffer.isEmpty
        #expect(isEmpty)
    }

    private struct Refused: Error {}

    @Test func aFailedFillAddsNothing() {
        var buffer = ByteBuffer(capacity: 1)
        buffer.append("a")
        #expect(throws: Refused.self) {
            // Safety: writes within the room asked for.
            try unsafe buffer.appendUnsafe(room: 100) { (target) throws(Refused) in
                unsafe target[0] = 0x62
                throw Refused()
            }
        }
        #expect(buffer.bytes.equals("a"))
        unsafe buffer.appendUnsafe(room: 100) { target in
            unsafe target[0] = 0x62
            return 1
        }
        #expect(buffer.bytes.equals("ab"))
    }
}
