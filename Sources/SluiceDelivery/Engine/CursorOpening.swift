import SluiceCore

/// Where a destination takes up: its stored cursor, or its first one.
package enum CursorOpening {
    /// The cursor of a destination that has none yet.
    ///
    /// - Parameter stateWasLost: the destination may have had one: it starts at the oldest block there
    ///   is, because events sent twice are better than events not sent.
    package static func first(
        of configuration: DestinationConfiguration, blocks: any BlockSource, stateWasLost: Bool = false
    ) throws(BlockSourceError) -> Cursor {
        let head = blocks.head
        var place = EventSequence(block: head.nextBlock, index: 0)
        var startEvent = head.events
        if stateWasLost || configuration.start == .earliest {
            // Damaged blocks at the front count as events that were due: delivery will find them
            // damaged again and account for them.
            var from: Int64 = 1
            var damaged: (first: Int64, events: Int64)?
            search: while from < head.nextBlock {
                do throws(BlockSourceError) {
                    guard let block = try blocks.block(atOrAfter: from) else { break search }
                    place.block = damaged?.first ?? block.number
                    startEvent = block.firstEvent - (damaged?.events ?? 0)
                    damaged = nil
                    break search
                } catch {
                    guard case .damaged(let number, let eventCount, _) = error else { throw error }
                    damaged = (damaged?.first ?? number, (damaged?.events ?? 0) + Int64(eventCount))
                    from = number + 1
                }
            }
            if let damaged {
                place.block = damaged.first
                startEvent = head.events - damaged.events
            }
        }
        return Cursor(
            destination: configuration.name, position: place, startEvent: startEvent, counts: OutcomeCounts())
    }

    /// Whether the cursor stands behind the end of the log, as after the log's folder was replaced
    /// or restored from an older copy.
    package static func isBeyond(_ head: LogHead, _ cursor: Cursor) -> Bool {
        cursor.position > EventSequence(block: head.nextBlock, index: 0)
            || cursor.startEvent + cursor.counts.total > head.events
    }

    /// A cursor at the log's end with new books: the old ones speak of another log's events.
    package static func clamped(_ cursor: Cursor, to head: LogHead) -> Cursor {
        Cursor(
            destination: cursor.destination, position: EventSequence(block: head.nextBlock, index: 0),
            startEvent: head.events, counts: OutcomeCounts())
    }
}
