import SluiceCore

/// One file of a `TornDisk`: what programs see of it, what a power loss is sure to leave of it, and what
/// it may leave instead.
///
/// The unit is the sector: the drive writes it whole or not at all, and in any order. A sector written
/// since the last sync holds after the loss what it held at that sync, or anything written to it since.
///
/// Invariants: 1. `versions` has a sector exactly when what a loss leaves of it is uncertain. 2. No
/// sector in it lies behind the end of all sizes in `sizes`, `durable` and `content`.
struct TornFile {
    static let sectorBytes = 512

    /// The file as running programs see it.
    private(set) var content: [UInt8]
    private var durable: [UInt8]
    private var versions: [Int: [Version]] = [:]
    /// Lengths the file had since the last sync, oldest first.
    private var sizes: [Int] = []
    /// The file before each cut since the last sync: file systems make a cut as a whole or not at all.
    private var beforeCuts: [TornFile] = []

    private struct Version {
        let bytes: [UInt8]
        /// A sync that should have covered it has failed: the kernel takes its page for clean from then on,
        /// and no later sync writes it, unless something else is written to the sector.
        var isDoomed = false
    }

    /// A file that is wholly on disk.
    init(durable content: [UInt8] = []) {
        self.content = content
        durable = content
    }

    mutating func write(_ bytes: [UInt8], at offset: Int) {
        guard !bytes.isEmpty else { return }
        if content.count < offset + bytes.count {
            content += [UInt8](repeating: 0, count: offset + bytes.count - content.count)
            sizes.append(content.count)
        }
        Self.copy(bytes, 0..<bytes.count, to: &content, at: offset)
        let first = offset / Self.sectorBytes
        for sector in first...(offset + bytes.count - 1) / Self.sectorBytes { remember(sector) }
    }

    mutating func truncate(to size: Int) {
        guard size < content.count else {
            let end = (size + Self.sectorBytes - 1) / Self.sectorBytes
            let first = content.count / Self.sectorBytes
            content += [UInt8](repeating: 0, count: size - content.count)
            sizes.append(size)
            for sector in first..<max(end, first) { remember(sector) }
            return
        }
        var before = self
        before.beforeCuts = []
        beforeCuts.append(before)
        content.removeLast(content.count - size)
        durable.removeLast(max(0, durable.count - size))
        versions = versions.filter { $0.key * Self.sectorBytes < size }
        sizes = sizes.filter { $0 <= size } + [size]
        if size % Self.sectorBytes != 0 { remember(size / Self.sectorBytes) }
    }

    private mutating func remember(_ sector: Int) {
        versions[sector, default: []].append(Version(bytes: Self.sector(sector, of: content)))
    }

    /// Everything not doomed is on disk from here on.
    mutating func sync() {
        Self.resize(&durable, to: content.count)
        for (sector, list) in versions {
            if sector * Self.sectorBytes >= content.count {
                versions[sector] = nil
            } else if list.contains(where: { !$0.isDoomed }) {
                Self.put(Self.sector(sector, of: content), at: sector, of: &durable)
                versions[sector] = nil
            }
        }
        sizes = []
        beforeCuts = []
    }

    /// A sync has failed: what waited for it may or may not be on disk, for good.
    mutating func failSync() {
        for sector in versions.keys {
            for index in versions[sector]!.indices { versions[sector]![index].isDoomed = true }
        }
    }

    /// One of the contents that a power loss may leave.
    func survivor(using random: inout ModelRandom) -> [UInt8] {
        let cuts = random.below(beforeCuts.count + 1)
        if cuts < beforeCuts.count { return beforeCuts[cuts].survivor(using: &random) }
        // Losses differ: everything of a file may be lost, or nothing, or anything in between.
        let luck = random.chance(0.3) ? 0 : random.chance(0.3) ? 1 : random.unit()
        var result = durable
        let size = random.chance(luck) ? content.count : ([durable.count] + sizes).randomElement(using: &random)!
        Self.resize(&result, to: max(size, durable.count))
        for (sector, list) in versions.sorted(by: { $0.key < $1.key }) {
            if random.chance(luck) {
                Self.put(list.last!.bytes, at: sector, of: &result)
            } else {
                let pick = random.below(list.count + 1)
                if pick < list.count { Self.put(list[pick].bytes, at: sector, of: &result) }
            }
        }
        Self.resize(&result, to: size)
        return result
    }

    // MARK: Bytes

    private static func resize(_ bytes: inout [UInt8], to size: Int) {
        if bytes.count > size {
            bytes.removeLast(bytes.count - size)
        } else {
            bytes += [UInt8](repeating: 0, count: size - bytes.count)
        }
    }

    /// A sector's bytes, with zeros behind the end of the file.
    private static func sector(_ number: Int, of bytes: [UInt8]) -> [UInt8] {
        var sector = [UInt8](repeating: 0, count: sectorBytes)
        let start = number * sectorBytes
        if start < bytes.count { copy(bytes, start..<min(start + sectorBytes, bytes.count), to: &sector, at: 0) }
        return sector
    }

    /// Writes a sector as far as it lies within the file.
    private static func put(_ sector: [UInt8], at number: Int, of bytes: inout [UInt8]) {
        let start = number * sectorBytes
        guard start < bytes.count else { return }
        copy(sector, 0..<min(sectorBytes, bytes.count - start), to: &bytes, at: start)
    }

    private static func copy(_ source: [UInt8], _ range: Range<Int>, to target: inout [UInt8], at offset: Int) {
        precondition(range.upperBound <= source.count && offset + range.count <= target.count)
        // Safety: both ranges were checked to lie within their arrays.
        unsafe source.withUnsafeBytes { from in
            unsafe target.withUnsafeMutableBytes { to in
                unsafe to.baseAddress!.advanced(by: offset)
                    .copyMemory(from: from.baseAddress!.advanced(by: range.lowerBound), byteCount: range.count)
            }
        }
    }
}

/// Chance that a seed brings back.
struct ModelRandom: RandomNumberGenerator {
    private var generator: SplitMix64

    init(seed: UInt64) { generator = SplitMix64(seed: seed) }

    mutating func next() -> UInt64 { generator.next() }

    mutating func unit() -> Double { generator.nextUnit() }

    mutating func chance(_ part: Double) -> Bool { unit() < part }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    mutating func within(_ range: ClosedRange<Int>) -> Int { range.lowerBound + below(range.count) }
}
