import Glibc
import SluiceCore

/// How the log stores blocks, and how much memory and disk its parts may hold.
package struct LogConfiguration: Sendable {
    package var compression: BlockCodec = .zstd
    /// A segment is closed once it holds this many bytes.
    package var segmentBytes = 1 << 30
    /// A segment is closed this long after its first block came.
    package var segmentAgeSeconds = 3600
    /// Bytes the writer lets the write-ahead log collect at most before it copies them into the segment.
    /// A reader in the way delays that; from four times as much on, the writer waits for it briefly.
    package var walBytes = 8 << 20
    /// Compressed bytes of recent blocks kept in memory for each reader.
    package var recentBytes = 16 << 20
    /// Decompressed bytes each reader keeps for destinations that read the same block.
    package var decodedBytes = 32 << 20
    /// Uncompressed bytes after which the writer commits before it takes further blocks.
    package var groupBytes = 64 << 20
    /// When segments are given up; nil keeps all of them.
    package var retention: RetentionLimits?
    /// Stored in each segment, to tell which program made it.
    package var writtenBy = "sluice"
    /// Bytes of blocks each reader keeps that it has fetched from segments.
    package static let fetchedBytesMax = 8 << 20
    /// Bytes that a replay reads ahead.
    package static let replayReadBytesMax = SegmentConnection.Limits().bytes

    package init() {}
}

/// The clocks the log reads, replaceable in tests.
package struct LogClock: Sendable {
    /// Milliseconds since 1970.
    package var wallMilliseconds: @Sendable () -> Int64
    /// Microseconds since an arbitrary moment; never goes back.
    package var monotonicMicroseconds: @Sendable () -> Int64

    package init(
        wallMilliseconds: @escaping @Sendable () -> Int64,
        monotonicMicroseconds: @escaping @Sendable () -> Int64
    ) {
        self.wallMilliseconds = wallMilliseconds
        self.monotonicMicroseconds = monotonicMicroseconds
    }

    package static let system = LogClock(
        wallMilliseconds: { read(CLOCK_REALTIME) / 1000 },
        monotonicMicroseconds: { read(CLOCK_MONOTONIC) })

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        // Safety: the kernel fills the struct on this frame; these two clocks always exist.
        _ = unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
