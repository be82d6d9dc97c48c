/// How far the requests of one event have come that goes in parts.
///
/// Each part is sent until it has been answered for good, delivered or rejected. A part that must
/// be tried again goes behind the others, so that one the upstream chokes on holds up none of them.
///
/// Invariants: 1. `left` holds the parts without a final answer, each once, the next one to send
/// first. 2. `delivered` + rejections + `left.count` = `count`.
struct PartProgress {
    /// Kept of rejections and notes each, in UTF-8; more is told by the counts alone.
    static let wordsBytesMax = 2048

    let count: Int
    private(set) var left: [Int]
    private(set) var delivered = 0
    private(set) var rejected = 0
    /// Parts below this have been sent at least once.
    private var unsentFrom = 0
    /// What the upstream said about parts it took.
    private(set) var notes = ""
    /// Which parts it rejected and why.
    private(set) var rejections = ""
    /// Of the last note, and of the first rejection.
    private(set) var noteStatus = 0
    private(set) var rejectionStatus = 0
    private(set) var rejectionURL = ""

    init(count: Int) {
        precondition(count > 1)
        self.count = count
        left = Array(0..<count)
    }

    /// The part to send next, from 0.
    var next: Int { left[0] }
    var isOver: Bool { left.isEmpty }

    /// For people; parts are counted from 1 there.
    var account: String { "\(delivered) of \(count) parts delivered" }

    /// The next part is on its way. True when it was sent before.
    mutating func startNext() -> Bool {
        guard next >= unsentFrom else { return true }
        unsentFrom = next + 1
        return false
    }

    /// The next part must be tried again, after the others.
    mutating func rotate() {
        left.append(left.removeFirst())
    }

    mutating func deliver(note: (status: Int, words: String)?) {
        left.removeFirst()
        delivered += 1
        guard let note else { return }
        noteStatus = note.status
        PartProgress.join(note.words, to: &notes)
    }

    mutating func reject(status: Int, reason: String, url: String) {
        let part = left.removeFirst()
        if rejected == 0 {
            rejectionStatus = status
            rejectionURL = url
        }
        rejected += 1
        PartProgress.join("part \(part + 1): \(reason)", to: &rejections)
    }

    private static func join(_ words: String, to text: inout String) {
        guard text.utf8.count < wordsBytesMax else { return }
        if !text.isEmpty { text += "; " }
        text += words
    }
}
