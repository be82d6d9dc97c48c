/// A request as a stand-in got it, and what it said.
package struct KeptRequest: Sendable {
    package let request: StandInRequest
    /// Of the answer; nil where there was none: a reset or a hang.
    package let status: Int?
}

/// The last requests, within the ledger's bounds.
///
/// Invariant: `bytes` is the sum over `list[first...]`, and those are all that count.
struct KeptRequests {
    private var list: [KeptRequest] = []
    private var first = 0
    private var bytes = 0

    var all: [KeptRequest] { Array(list[first...]) }

    mutating func add(_ kept: KeptRequest) {
        list.append(kept)
        bytes += Self.size(kept)
        while list.count - first > StandInLedger.requestsMax || bytes > StandInLedger.requestBytesMax {
            bytes -= Self.size(list[first])
            first += 1
        }
        // Now and then, so that a request costs the same however many are kept.
        if first >= 16, first * 2 >= list.count {
            list.removeFirst(first)
            first = 0
        }
    }

    /// About what it takes in memory.
    private static func size(_ kept: KeptRequest) -> Int {
        let request = kept.request
        let target = request.path.utf8.count + request.query.utf8.count
        return request.headers.reduce(request.body.count + target + 256) {
            $0 + $1.name.utf8.count + $1.value.utf8.count + 64
        }
    }
}
