/// How a block's payload is stored. The raw value is the column `codec`.
package enum BlockCodec: String, Sendable, CaseIterable {
    case none
    case zlib
    case zstd
}

/// A committed block as it lies on disk; never changes.
package final class StoredBlock: Sendable {
    package let number: Int64
    /// How many events the log held before this block.
    package let firstEvent: Int64
    package let eventCount: Int
    /// Milliseconds since 1970, by the gateway's clock.
    package let firstReceivedMilliseconds: Int64
    package let lastReceivedMilliseconds: Int64
    package let codec: BlockCodec
    /// Bytes of the payload before compression.
    package let rawSize: Int
    /// CRC-32C of `payload`.
    package let checksum: UInt32
    /// The compressed events.
    package let payload: [UInt8]

    package init(
        number: Int64, firstEvent: Int64, eventCount: Int, firstReceivedMilliseconds: Int64,
        lastReceivedMilliseconds: Int64, codec: BlockCodec, rawSize: Int, checksum: UInt32,
        payload: [UInt8]
    ) {
        self.number = number
        self.firstEvent = firstEvent
        self.eventCount = eventCount
        self.firstReceivedMilliseconds = firstReceivedMilliseconds
        self.lastReceivedMilliseconds = lastReceivedMilliseconds
        self.codec = codec
        self.rawSize = rawSize
        self.checksum = checksum
        self.payload = payload
    }
}

/// A block whose events can be read: decompressed, checked, split into lines.
@usableFromInline
package final class EventBlock: Sendable {
    @usableFromInline package let number: Int64
    @usableFromInline package let firstEvent: Int64
    /// When its first event was received, as its row says; milliseconds since 1970, by the gateway's clock.
    @usableFromInline package let firstReceivedMilliseconds: Int64
    /// The canonical events, each ended by a line feed.
    @usableFromInline package let payload: [UInt8]
    /// Where each line starts in `payload`; one more at the end.
    @usableFromInline package let lineStarts: [Int32]

    @inlinable package var eventCount: Int { lineStarts.count - 1 }

    package init(
        number: Int64, firstEvent: Int64, firstReceivedMilliseconds: Int64, payload: [UInt8],
        lineStarts: [Int32]
    ) {
        self.number = number
        self.firstEvent = firstEvent
        self.firstReceivedMilliseconds = firstReceivedMilliseconds
        self.payload = payload
        self.lineStarts = lineStarts
    }

    /// Lends the event at `index`, without its line feed.
    @inlinable package func withEvent<R, E: Error>(_ index: Int, _ body: (Bytes) throws(E) -> R) throws(E) -> R {
        let range = Int(lineStarts[index])..<Int(lineStarts[index + 1]) - 1
        return try payload.withBytes { (bytes) throws(E) -> R in try body(bytes[range]) }
    }
}
