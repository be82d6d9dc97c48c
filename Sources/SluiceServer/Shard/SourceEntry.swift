import SluiceCore

/// A source as the shards use it: its settings as bytes that stay where they are.
///
/// Made once at start and never freed, so that views into it are valid at any time.
// @unchecked: immutable after init.
final class SourceEntry: @unchecked Sendable {
    let name: String
    /// Its place in the configuration, for counters.
    let index: Int
    /// The name's UTF-8, for the canonical event.
    let nameBytes: Bytes
    /// For fingerprints; depends on the name only, so that it is the same after a restart.
    let hash: UInt64
    let keys: [[UInt8]]
    /// The UUID in lower case; empty when it has none.
    let dataSource: [UInt8]
    let accounts: [Platform: [UInt8]]
    /// Lower-case origins whose pages may send; nil when any may.
    let origins: [[UInt8]]?
    let acknowledge: Acknowledge
    let lenient: Bool
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
        dataSource = Array((settings.id ?? "").lowercased().utf8)
        accounts = settings.accounts.mapValues { Array($0.utf8) }
        origins = settings.origins.map { $0.map { Array($0.utf8) } }
        acknowledge = settings.acknowledge
        lenient = settings.lenient
        address = settings.address
    }

    /// Whether `key` is one of its keys, compared in time that does not depend on where it differs.
    func hasKey(_ key: Bytes) -> Bool {
        for known in keys where known.withBytes({ SourceEntry.sameInConstantTime($0, key) }) { return true }
        return false
    }

    /// Whether this is its UUID, in either case of its letters.
    func hasDataSource(_ text: Bytes) -> Bool {
        !dataSource.isEmpty && SourceEntry.same(dataSource, ignoringCase: text)
    }

    /// Whether a page of this origin may send as this source. Case is ignored in scheme and host,
    /// RFC 6454 section 4.
    func allows(origin: Bytes) -> Bool {
        guard let origins else { return true }
        for known in origins where SourceEntry.same(known, ignoringCase: origin) { return true }
        return false
    }

    private static func same(_ lowercase: [UInt8], ignoringCase text: Bytes) -> Bool {
        guard lowercase.count == text.count else { return false }
        for index in 0..<lowercase.count where lowercase[index] != Bytes.lowercased(text[index]) { return false }
        return true
    }

    private static func sameInConstantTime(_ left: Bytes, _ right: Bytes) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for index in 0..<left.count { difference |= left[index] ^ right[index] }
        return difference == 0
    }
}
