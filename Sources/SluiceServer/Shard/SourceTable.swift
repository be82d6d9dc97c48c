import SluiceCore

/// Finds the source of a request by the credential it carries. Shared by all shards, immutable.
package final class SourceTable: Sendable {
    let entries: [SourceEntry]
    /// The source of requests without a credential, where there is one.
    let open: SourceEntry?
    /// Whether any source has a UUID.
    let hasDataSources: Bool
    /// Entries by the hash of each key.
    private let byKey: [UInt64: Int]
    private let byDataSource: [UInt64: Int]
    /// Entries by the hash of each account, for each platform.
    private let byAccount: [[UInt64: Int]]

    package init(_ sources: [SourceSettings]) {
        entries = sources.enumerated().map { SourceEntry($0.element, index: $0.offset) }
        open = zip(entries, sources).first { $0.1.needsNoCredential }?.0
        var byKey: [UInt64: Int] = [:]
        var byDataSource: [UInt64: Int] = [:]
        var byAccount = [[UInt64: Int]](repeating: [:], count: Platform.allCases.count)
        for (index, entry) in entries.enumerated() {
            for key in entry.keys { byKey[key.withBytes { hash64($0, seed: 0) }] = index }
            for (platform, account) in entry.accounts {
                byAccount[Int(platform.rawValue)][account.withBytes { hash64($0, seed: 0) }] = index
            }
            if !entry.dataSource.isEmpty {
                byDataSource[entry.dataSource.withBytes { SourceTable.foldedHash($0) }] = index
            }
        }
        self.byKey = byKey
        self.byAccount = byAccount
        self.byDataSource = byDataSource
        hasDataSources = !byDataSource.isEmpty
    }

    /// The source that owns `key`, compared in time that does not depend on where it differs.
    func find(key: Bytes) -> SourceEntry? {
        guard let index = byKey[hash64(key, seed: 0)], entries[index].hasKey(key) else { return nil }
        return entries[index]
    }

    /// The source whose UUID this is, in either case of its letters.
    func find(dataSource: Bytes) -> SourceEntry? {
        guard let index = byDataSource[SourceTable.foldedHash(dataSource)],
            entries[index].hasDataSource(dataSource)
        else { return nil }
        return entries[index]
    }

    /// The source that has this account at the platform.
    func find(account: Bytes, platform: Platform) -> SourceEntry? {
        guard let index = byAccount[Int(platform.rawValue)][hash64(account, seed: 0)],
            let known = entries[index].accounts[platform], known.withBytes({ $0.equals(account) })
        else { return nil }
        return entries[index]
    }

    /// Whether any source has an account at the platform.
    func hasAccounts(_ platform: Platform) -> Bool { !byAccount[Int(platform.rawValue)].isEmpty }

    /// The source with an account at the platform, when there is one only.
    func onlySource(_ platform: Platform) -> SourceEntry? {
        let accounts = byAccount[Int(platform.rawValue)]
        return accounts.count == 1 ? accounts.first.map { entries[$0.value] } : nil
    }

    /// The source with an account at the platform whose pages have this origin; nil when there are several.
    func byOrigin(_ origin: Bytes, platform: Platform) -> SourceEntry? {
        guard !origin.isEmpty else { return nil }
        var found: SourceEntry?
        for entry in entries
        where entry.origins != nil && entry.accounts[platform] != nil && entry.allows(origin: origin) {
            guard found == nil else { return nil }
            found = entry
        }
        return found
    }

    /// Whether any source takes events from pages of this origin.
    func anyAllows(origin: Bytes) -> Bool {
        entries.contains { $0.allows(origin: origin) }
    }

    /// FNV-1a over the text in lower case.
    private static func foldedHash(_ text: Bytes) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in 0..<text.count {
            hash = (hash ^ UInt64(Bytes.lowercased(text[index]))) &* 0x100_0000_01B3
        }
        return hash
    }
}
