import SluiceCore
import SluiceHTTP

/// A whole request. Every view ends when the handler returns.
package struct EdgeRequest {
    package let head: HTTPRequestHead
    /// The body as sent, chunk framing removed, content coding not.
    package let body: Bytes
    package let peer: PeerAddress
}

/// When an answer may go.
package enum Disposition {
    /// As soon as the answers before it on its connection have gone.
    case now
    /// Not before `EdgeLoop.release(through:)` has reached this ticket.
    case after(ticket: UInt64)
    /// Nothing was written; the answer comes with `EdgeLoop.answer` and this number, which the handler uses
    /// once only. Answers behind it on its connection wait for it.
    case later(UInt64)
    /// Not before `EdgeLoop.release(held:)` was called with this number, which the handler uses once only, for
    /// neither this nor `later`; `EdgeLoop.fail(held:retryAfterSeconds:)` puts a failure in its place.
    case held(UInt64)
    /// Nothing was consumed and nothing written: hand the request in again after `resumeStalled`.
    case stall
}

/// What the loop asks of those who answer. Every method runs on the loop's thread.
///
/// `EdgeLoop.release`, `fail`, `answer` and `resumeStalled` may be called from `woken`, `batchEnded` and `nothingMore`, not
/// from the methods that write an answer.
package protocol EdgeHandler: AnyObject {
    /// Appends one whole HTTP response to `answer`, which may hold earlier ones already. Where
    /// `request.head.keepAlive` is false the connection closes after it.
    func handle(_ request: EdgeRequest, answer: inout ByteBuffer) -> Disposition

    /// Read right after `handle` returned `.after` or `.held`: handed back when that fails.
    var failureTag: UInt32 { get }

    /// Appends the response to a request the loop refuses; the connection closes after it. `head`
    /// is what has been read of its head, perhaps not all; nil when not even the request line has.
    func refuse(_ problem: EdgeProblem, head: HTTPRequestHead?, answer: inout ByteBuffer)

    /// Appends a 503 in the platform's form, instead of `prepared`, the answer that waited.
    func answerFailure(
        tag: UInt32, retryAfterSeconds: Int, keepAlive: Bool, isHead: Bool, prepared: Bytes,
        answer: inout ByteBuffer)

    /// All that was ready has been handled; the loop is about to look for more, or to sleep.
    func batchEnded()

    /// Read after `batchEnded`: whether it put something off in case that more is there to be read. If nothing is,
    /// it is told by `nothingMore`, before the loop sleeps.
    var wantsMore: Bool { get }

    /// Nothing is there to be read. Only after `wantsMore`.
    func nothingMore()

    /// The loop's waker was called.
    func woken()
}

extension EdgeHandler {
    package var wantsMore: Bool { false }
    package func nothingMore() {}
}
