import SluiceCore

/// What an accepted conversion's `QueuedUri` ends with: `A-` and the event's id, a UUIDv7.
struct SubmissionID: Sendable, Equatable {
    /// The event's id, 36 characters in lower case.
    let event: [UInt8]
    /// When the id was made, milliseconds since 1970: its first 48 bits (RFC 9562 section 5.7).
    let milliseconds: Int64

    /// Nil for whatever the gateway cannot have given out.
    init?(_ text: Bytes) {
        guard text.count == 38, text.hasPrefix("A-") else { return nil }
        var event: [UInt8] = []
        var time: Int64 = 0
        for index in 0..<36 {
            let byte = Bytes.lowercased(text[index + 2])
            event.append(byte)
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            default: return nil
            }
            if index < 13 { time = time << 4 | Int64(digit) }
        }
        guard event[14] == UInt8(ascii: "7") else { return nil }
        self.event = event
        milliseconds = time
    }
}
