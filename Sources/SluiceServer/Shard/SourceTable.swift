import SluiceCore

/// A source as the shards use it: its settings as bytes that stay where they are.
///
/// Made once at start and never freed, so that views into it are valid at any time.
// @unchecked: immutable after init, but for counters that are written by their shard only.
final class SourceEntry: @unchecked Sendable {
    let name: String
    /// Its place in the configuration, for counters.
    let index: Int
    /// The name's UTF-8, for the canonical event.
    let nameBytes: Bytes
    /// For fingerprints; depends on the name only, so that it is the same after a restart.
    let hash: UInt64
    let keys: [[UInt8]]
    /// Lower-case origins whose pages may send; nil when any may.
    let origins: [[UInt8]]?
    let acknowledge: Acknowledge
    let address: AddressPolicy

    init(_ settings: SourceSettings, index: Int) {
        self.index = index
        name = settings.name
        let text = Array(settings.name.utf8)
        let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: max(text.count, 1))
        for (index, byte) in text.enumerated() {
            // Safety: index < text.count, which is what was allocated.
            unsafe (memory + index).initialize(to: byte)
        }
        // Safety: the memory is never freed, by the contract of this type.
        nameBytes = unsafe Bytes(start: memory, count: text.count)
        hash = hash64(nameBytes, seed: 0)
        keys = settings.keys.map { Array($0.reveal().utf8) }
        origins = settings.origins.map { $0.map { Array($0.utf8) } }
        acknowledge = settings.acknowledge
        address = settings.address
    }

    /// Whether a page of this origin may send as this source. Case is ignored in scheme and host,
    /// RFC 6454 section 4.
    func allows(origin: Bytes) -> Bool {
        guard let origins else { return true }
        return origins.contains { allowed in
            allowed.withBytes { allowed in
                guard allowed.count == origin.count else { return false }
                for index in 0..<allowed.count where allowed[index] != Bytes.lowercased(origin[index]) {
                    return false
                }
                return true
            }
        }
    }
}

/// Finds the source of a request by the credential it carries. Shared by all shards, immutable.
package final class SourceTable: Sendable {
    let entries: [SourceEntry]
    /// The source of requests without a credential, where there is one.
    let open: SourceEntry?
    /// Entries by the hash of each key.
    private let byKey: [UInt64: Int]

    package init(_ sources: [SourceSettings]) {
        entries = sources.enumerated().map { SourceEntry($0.element, index: $0.offset) }
        open = zip(entries, sources).first { $0.1.needsNoCredential }?.0
        var byKey: [UInt64: Int] = [:]
        for (index, entry) in entries.enumerated() {
            for key in entry.keys {
                byKey[key.withBytes { hash64($0, seed: 0) }] = index
            }
        }
        self.byKey = byKey
    }

    /// The source that owns `key`, compared in time that does not depend on where it differs.
    func find(key: Bytes) -> SourceEntry? {
        guard let index = byKey[hash64(key, seed: 0)] else { return nil }
        let entry = entries[index]
        for known in entry.keys where known.withBytes({ SourceTable.sameInConstantTime($0, key) }) {
            return entry
        }
        return nil
    }

    /// Whether any source takes events from pages of this origin.
    func anyAllows(origin: Bytes) -> Bool {
        entries.contains { $0.allows(origin: origin) }
    }

    private static func sameInConstantTime(_ left: Bytes, _ right: Bytes) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for index in 0..<left.count { difference |= left[index] ^ right[index] }
        return difference == 0
    }
}
