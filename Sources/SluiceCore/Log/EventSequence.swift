/// An event's place in the log: the number of its block and its index within it.
///
/// Written `block.index`, as in `1042.7`.
package struct EventSequence: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Blocks are numbered from 1, without gaps, over the whole life of a data folder.
    package var block: Int64
    /// From 0.
    package var index: Int

    package init(block: Int64, index: Int) {
        self.block = block
        self.index = index
    }

    package static func < (left: EventSequence, right: EventSequence) -> Bool {
        (left.block, left.index) < (right.block, right.index)
    }

    package var description: String { "\(block).\(index)" }
}

/// Where the log ends: what has been committed so far.
package struct LogHead: Hashable, Sendable {
    /// The number the next block will get.
    package var nextBlock: Int64
    /// How many events all blocks before it hold, since the data folder was made.
    package var events: Int64

    package init(nextBlock: Int64, events: Int64) {
        self.nextBlock = nextBlock
        self.events = events
    }
}
