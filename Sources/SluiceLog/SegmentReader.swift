import SluiceCore

/// Reads one segment file, wherever it lies: for tools and for replay. Any thread, own connection;
/// works beside a running gateway and on archived copies.
package final class SegmentReader {
    private let connection: SegmentConnection
    package let description: SegmentDescription

    /// - Throws: `missing`, `foreignFile`, `newerFormat`, `damaged`, `permissionDenied`.
    package init(path: String) throws(LogError) {
        guard FileCalls.exists(path) else { throw .missing(path: path) }
        connection = try SegmentConnection(path: path)
        do throws(LogError) {
            description = try connection.description()
        } catch {
            connection.close()
            throw error
        }
    }

    deinit { connection.close() }

    /// The blocks it holds, in sum; nil when there are none.
    package func extent() throws(LogError) -> SegmentExtent? { try connection.extent() }

    /// Calls `body` with each block whose number is in `numbers` and that holds events received in
    /// `received` (milliseconds since 1970), in order, until it answers false. Holds a few blocks in
    /// memory at a time, and no lock while `body` runs.
    package func forEachBlock(
        numbers: Range<Int64> = 1..<Int64.max, received: Range<Int64> = Int64.min..<Int64.max,
        _ body: (StoredBlock) throws -> Bool
    ) throws {
        var next = numbers.lowerBound
        while next < numbers.upperBound {
            let blocks = try connection.blocks(next..<numbers.upperBound, received: received)
            guard let last = blocks.last else { return }
            for block in blocks {
                guard try body(block) else { return }
            }
            next = last.number + 1
        }
    }

    /// Calls `body` with filter and fingerprints of each block in `numbers`, in order.
    package func forEachHashes(
        numbers: Range<Int64> = 1..<Int64.max, _ body: (BlockHashes) throws -> Void
    ) throws(LogError) {
        let batch = 256
        var next = numbers.lowerBound
        while next < numbers.upperBound {
            var seen = 0
            try connection.hashes(next..<numbers.upperBound, limit: batch) { hashes in
                seen += 1
                next = hashes.number + 1
                try body(hashes)
            }
            if seen < batch { return }
        }
    }
}
