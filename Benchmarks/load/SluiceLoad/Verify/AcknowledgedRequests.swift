/// Which requests of one thread were acknowledged: one bit each, whatever their ids.
///
/// Owner: the thread that sends, then whoever joined it.
package struct AcknowledgedRequests: Sendable {
    /// Of one request.
    package let eventsPerRequest: Int
    /// Requests numbered so far.
    package private(set) var numbered = 0
    package private(set) var acknowledged = 0
    private var words: [UInt64] = []
    private let keeps: Bool

    /// - Parameter keeps: false where nobody will ask; then nothing but the counts is kept.
    package init(eventsPerRequest: Int, keeps: Bool) {
        self.eventsPerRequest = eventsPerRequest
        self.keeps = keeps
    }

    /// The number of a new request. Its first event has `eventsPerRequest` times this number.
    @inline(__always)
    package mutating func number() -> Int {
        numbered &+= 1
        return numbered &- 1
    }

    @inline(__always)
    package mutating func acknowledge(_ request: Int) {
        acknowledged &+= 1
        guard keeps else { return }
        let word = request >> 6
        while word >= words.count { words.append(0) }
        words[word] |= 1 << UInt64(request & 63)
    }

    package func isAcknowledged(_ request: Int) -> Bool {
        request >> 6 < words.count && words[request >> 6] >> UInt64(request & 63) & 1 == 1
    }
}
