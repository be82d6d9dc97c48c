/// Knows which events have been taken already. Shared by the decoders of a shard.
package protocol Deduplicator: AnyObject {
    /// `isDuplicate` will be asked about this fingerprint soon: what it needs can be fetched meanwhile.
    func expect(fingerprint: UInt64)

    /// Whether an event with this fingerprint was taken before; from now on it has been.
    func isDuplicate(fingerprint: UInt64) -> Bool

    /// The event is not kept after all, because its request is refused as a whole.
    func takeBack(fingerprint: UInt64)
}

extension Deduplicator {
    package func expect(fingerprint: UInt64) {}
}

/// Hashes by which events are found again. They are part of what is stored: never change them.
package enum EventHash {
    /// Of (source, type, id): the same event sent twice has the same.
    package static func fingerprint(source: UInt64, type: EventType, id: Bytes) -> UInt64 {
        hash64(id, seed: source ^ (UInt64(type.rawValue) + 1) &* 0x9E37_79B9_7F4A_7C15)
    }

    /// Of an event's, session's, user's or order's id, for the filter of its block.
    package static func filter(_ id: Bytes) -> UInt64 { hash64(id, seed: 0) }
}

extension OpenBlock {
    /// Forgets every event appended since `mark`, and that it was ever seen.
    package func rollback(to mark: Mark, deduplicator: (any Deduplicator)?) {
        if let deduplicator {
            for index in mark.fingerprints..<fingerprints.count {
                deduplicator.takeBack(fingerprint: fingerprints[index])
            }
        }
        rollback(to: mark)
    }
}
