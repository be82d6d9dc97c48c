/// The names of a `TornDisk`: which file each stands for, and which of the changes a power loss may undo.
///
/// Invariant: `durable` with all of `pending` applied in order is `current`.
struct TornFolder {
    enum Change: Equatable {
        case link(String, file: Int)
        case unlink(String)
        /// Atomic: both names change, or neither.
        case rename(from: String, to: String, file: Int)

        var folder: Substring {
            switch self {
            case .link(let path, _), .unlink(let path), .rename(let path, _, _): TornFolder.parent(path)
            }
        }
    }

    private(set) var current: [String: Int]
    private var durable: [String: Int]
    private var pending: [Change] = []

    /// Names that are all on disk.
    init(durable names: [String: Int] = [:]) {
        current = names
        durable = names
    }

    static func parent(_ path: String) -> Substring { path[..<(path.lastIndex(of: "/") ?? path.startIndex)] }

    mutating func change(_ change: Change) {
        Self.apply(change, to: &current)
        pending.append(change)
    }

    mutating func sync(folder: Substring) {
        for change in pending where change.folder == folder { Self.apply(change, to: &durable) }
        pending.removeAll { $0.folder == folder }
    }

    /// One of the states that a power loss may leave.
    func survivor(using random: inout ModelRandom) -> [String: Int] {
        var names = durable
        if random.chance(0.5) {
            // As journals of file systems have it: everything up to some moment.
            for change in pending.prefix(random.below(pending.count + 1)) { Self.apply(change, to: &names) }
        } else {
            let luck = random.unit()
            for change in pending where random.chance(luck) { Self.apply(change, to: &names) }
        }
        return names
    }

    private static func apply(_ change: Change, to names: inout [String: Int]) {
        switch change {
        case .link(let path, let file): names[path] = file
        case .unlink(let path): names[path] = nil
        case .rename(let from, let to, let file):
            names[from] = nil
            names[to] = file
        }
    }
}
