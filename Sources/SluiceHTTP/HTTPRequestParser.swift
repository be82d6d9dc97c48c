import CHTTPParser
import SluiceCore

/// What `HTTPRequestParser.parseHead` came to.
package enum HTTPHeadResult {
    /// More bytes are needed.
    case incomplete
    /// The head takes the first `headBytes` of what was given.
    case head(HTTPRequestHead)
    /// Answer this and close the connection; what follows on it means nothing.
    case refused(EdgeProblem)
}

/// Reads request heads, one after another, as their bytes arrive.
///
/// Invariants: 1. it remembers how far it has looked, so a head costs linear time however it is cut
/// into pieces. 2. what it makes of a head does not depend on how it is cut. 3. it holds no pointer:
/// the bytes may move between calls. 4. after a refusal it is not used again.
///
/// Belongs to one connection, on its loop's thread.
package struct HTTPRequestParser: ~Copyable {
    private var progress = chttp_head()
    /// Why the head was refused, after `.refused`.
    package private(set) var fault: HTTPFault?
    /// Which of the C module's implementations reads, or nil for the processor's best.
    private let implementation: HTTPImplementation?

    package init() { implementation = nil }

    /// Reads with one implementation, for tests that compare them; it must be available.
    package init(implementation: HTTPImplementation) {
        precondition(implementation.isAvailable)
        self.implementation = implementation
    }

    /// Whether bytes of a head have been seen that is not complete. Empty lines count as nothing.
    package var isWithinHead: Bool {
        progress.fields_start != 0 || progress.scanned > progress.line
    }

    /// Reads on. `bytes` begins at the first byte behind the last request and holds everything that
    /// has arrived since; it may hold more than one head. After `.head` the parser is ready for the
    /// next request, whose bytes begin behind this one's body.
    package mutating func parseHead(_ bytes: Bytes, limits: HTTPLimits) -> HTTPHeadResult {
        assert(fault == nil, "invariant 4")
        // Not looking behind the limit keeps the answer independent of how the bytes arrived.
        let visible = min(bytes.count, limits.headBytes)
        let code = read(bytes, count: visible, linesMax: UInt32(limits.headerLines))
        if code == UInt8(CHTTP_COMPLETE) {
            // Safety: the head was completed over these very bytes.
            let head = unsafe HTTPRequestHead(base: bytes.base, fields: progress)
            progress = chttp_head()
            return .head(head)
        }
        if code == UInt8(CHTTP_INCOMPLETE) {
            if visible < limits.headBytes { return .incomplete }
            return refuse(.headTooLarge, limits)
        }
        return refuse(HTTPFault(code: code), limits)
    }

    /// What has been understood of the head that is being read or was refused, so that a refusal can
    /// be worded for its path and origin; nil before the target was understood, which it also is where
    /// only the version behind it is wrong. `bytes` as in the last call of `parseHead`. Framing, version
    /// and `headBytes` of such a head mean nothing.
    package func unfinishedHead(_ bytes: Bytes) -> HTTPRequestHead? {
        guard progress.fields_start != 0, progress.path.count != 0 else { return nil }
        precondition(bytes.count >= Int(progress.line))
        // Safety: every span lies in a line that was read, before `line`.
        return unsafe HTTPRequestHead(base: bytes.base, fields: progress)
    }

    private mutating func read(_ bytes: Bytes, count: Int, linesMax: UInt32) -> UInt8 {
        // Safety: the C module reads bytes 0..<count only and keeps no pointer.
        guard let implementation else {
            return unsafe chttp_read_head(&progress, bytes.base, count, linesMax)
        }
        return unsafe chttp_read_head_with(
            implementation.rawValue, &progress, bytes.base, count, linesMax)
    }

    private mutating func refuse(_ fault: HTTPFault, _ limits: HTTPLimits) -> HTTPHeadResult {
        self.fault = fault
        return .refused(
            fault.problem(limit: fault == .fieldLines ? limits.headerLines : limits.headBytes))
    }
}
