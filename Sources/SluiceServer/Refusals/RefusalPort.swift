import SluiceCore

/// Takes what one shard refuses to the `RefusalDesk`.
///
/// Refusals cost a copy of a few hundred bytes each, so they are kept only up to a number in each second:
/// a flood costs the shard a comparison and a count. Accepted requests never come here.
///
/// Invariants: 1. `note` never waits; what does not fit is counted. 2. `kept + suppressed` is the number
/// of refusals so far. Owner: the shard thread; `next` is the desk's, the counts are for all.
package final class RefusalPort: Sendable {
    private let ring = SPSCRing<RefusedRequest>(capacity: 256)
    private let desk: any Waker
    private let perSecondMax: Int
    private let window = Window()
    package let kept = Counter()
    package let suppressed = Counter()

    /// What is touched by the shard thread only.
    // @unchecked: confined to the shard thread.
    private final class Window: @unchecked Sendable {
        var second = Int64.min
        var left = 0
        var suppressed = 0
    }

    /// - Parameters:
    ///   - perSecondMax: refusals of this shard kept in one second; with 0 they are only counted.
    ///   - desk: woken when there is something to fetch.
    package init(perSecondMax: Int, desk: any Waker) {
        self.perSecondMax = max(0, perSecondMax)
        self.desk = desk
    }

    /// Shard thread only.
    func note(
        platform: Platform, source: Int, path: Bytes, status: Int, accepted: Int, rejected: Int, reason: Bytes,
        nowMilliseconds: Int64
    ) {
        let second = nowMilliseconds / 1000
        if second != window.second {
            window.second = second
            window.left = perSecondMax
        }
        guard window.left > 0 else { return suppress() }
        window.left -= 1
        let request = RefusedRequest(
            atMilliseconds: nowMilliseconds, platform: platform, source: source, status: status,
            accepted: accepted, rejected: rejected, suppressed: window.suppressed,
            path: RefusedRequest.path(path),
            reason: RefusedRequest.cut(reason, to: RefusedRequest.reasonBytesMax))
        guard ring.push(request) else { return suppress() }
        window.suppressed = 0
        kept.add()
        desk.wake()
    }

    private func suppress() {
        window.suppressed += 1
        suppressed.add()
    }

    /// The desk's thread only.
    func next() -> RefusedRequest? { ring.pop() }
}
