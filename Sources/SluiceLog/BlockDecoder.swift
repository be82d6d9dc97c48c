import Glibc
import SluiceCore

/// Why a stored block is not what was written.
package enum BlockDamage: Error, Equatable {
    case checksum
    /// The payload's sum is right, but it does not decompress to `raw_size` bytes.
    case undecodable
    /// The lines are not as many as the row says, or the last one has no end.
    case wrongEventCount
    /// The row's own figures contradict each other or lie outside what can be.
    case impossibleFigures

    package var label: StaticString {
        switch self {
        case .checksum: "checksum"
        case .undecodable: "undecodable"
        case .wrongEventCount: "wrong_event_count"
        case .impossibleFigures: "impossible_figures"
        }
    }
}

/// Checks stored blocks and makes their events readable. Owner: the thread of its reader.
package final class BlockDecoder {
    /// Bytes; far above what shards fill, so that a damaged `raw_size` cannot ask for all memory.
    package static let rawSizeMax = 256 << 20

    private var decompressor = BlockDecompressor()

    package init() {}

    /// Verifies the checksum, decompresses, and finds the lines.
    package func decode(_ stored: StoredBlock) throws(BlockDamage) -> EventBlock {
        guard stored.rawSize > 0, stored.rawSize <= BlockDecoder.rawSizeMax,
            stored.eventCount > 0, stored.eventCount <= stored.rawSize
        else { throw .impossibleFigures }
        guard stored.payload.withBytes({ crc32c($0) }) == stored.checksum else { throw .checksum }
        let payload: [UInt8]
        switch stored.codec {
        case .none:
            payload = stored.payload
        case .zlib, .zstd:
            guard
                let bytes = stored.payload.withBytes({
                    decompressor.decompress($0, from: stored.codec, rawSize: stored.rawSize)
                })
            else { throw .undecodable }
            payload = bytes
        }
        guard payload.count == stored.rawSize else { throw .undecodable }
        guard let starts = BlockDecoder.lineStarts(payload, expected: stored.eventCount) else {
            throw .wrongEventCount
        }
        return EventBlock(
            number: stored.number, firstEvent: stored.firstEvent,
            firstReceivedMilliseconds: stored.firstReceivedMilliseconds, payload: payload, lineStarts: starts)
    }

    /// Where each line starts, and the end of the last; nil unless there are `expected` whole lines.
    private static func lineStarts(_ payload: [UInt8], expected: Int) -> [Int32]? {
        var starts: [Int32] = []
        starts.reserveCapacity(expected + 1)
        starts.append(0)
        let isWhole = payload.withBytes { bytes in
            // Safety: the pointer stays within the closure.
            unsafe bytes.withUnsafePointer { base, count in
                var place = 0
                while place < count {
                    // Safety: place < count; memchr stays within the bytes it is given.
                    guard let end = unsafe memchr(base + place, 0x0A, count - place) else { return false }
                    guard starts.count <= expected else { return false }
                    place = unsafe UnsafeRawPointer(end) - UnsafeRawPointer(base) + 1
                    starts.append(Int32(place))
                }
                return true
            }
        }
        return isWhole && starts.count == expected + 1 ? starts : nil
    }
}
