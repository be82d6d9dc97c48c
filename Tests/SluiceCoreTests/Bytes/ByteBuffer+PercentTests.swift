import Foundation
import Testing

@testable import SluiceCore

@Suite struct ByteBufferPercentTests {
    /// All bytes, as Foundation decodes them.
    @Test func everyByte() {
        for byte in UInt8.min...UInt8.max {
            var out = ByteBuffer(capacity: 16)
            [byte].withBytes { out.appendPercentEncoded($0) }
            let text = out.bytes.string
            let isUnreserved =
                (byte < 0x80
                    && (Character(UnicodeScalar(byte)).isLetter || Character(UnicodeScalar(byte)).isNumber))
                || "-._~".utf8.contains(byte)
            #expect(
                text == (isUnreserved ? String(UnicodeScalar(byte)) : "%" + String(format: "%02X", Int(byte)))
            )
        }
    }
}
