import SluiceCore

/// A response head made beforehand, for the few answers that most requests get.
///
/// Writing one is a copy of the head, the lines that depend on the request, and the body. The Date
/// within it is replaced where it stands when the second has changed.
///
/// Invariants: 1. `prefix` is a response up to, not including, what `HTTPResponse.finish` writes.
/// 2. the Date line begins at `dateStart` and its length never changes.
///
/// Belongs to one thread. Allocates only when it is created.
package final class HTTPResponseTemplate {
    package let status: Int
    private var prefix: ByteBuffer
    private let dateStart: Int
    private let date: HTTPDate

    /// - Parameter date: the thread's clock, which its loop keeps up to date.
    package init(_ head: HTTPResponseHead, date: HTTPDate) {
        status = head.status
        self.date = date
        prefix = ByteBuffer(capacity: 256)
        prefix.append(HTTPStatusLine.text(head.status))
        dateStart = prefix.count
        prefix.append(date.line)
        HTTPResponse.appendFixedLines(head, to: &prefix)
    }

    /// Appends the response with this body; the same bytes as `HTTPResponse.append`.
    package func append(
        _ options: HTTPResponseOptions = HTTPResponseOptions(), body: Bytes = .empty, to answer: inout ByteBuffer
    ) {
        answer.reserve(prefix.count + 512 + body.count)
        let start = answer.count + dateStart
        answer.append(prefix.bytes)
        answer.overwrite(at: start, with: date.line)
        HTTPResponse.finish(options, status: status, body: body, to: &answer)
    }
}

extension ByteBuffer {
    /// Replaces bytes that are already there.
    fileprivate mutating func overwrite(at place: Int, with bytes: Bytes) {
        precondition(place >= 0 && place + bytes.count <= count)
        unsafe withUnsafeMutablePointer { base, _ in
            // Safety: the range lies inside the content, checked on the line before.
            unsafe (base + place).update(from: bytes.base, count: bytes.count)
        }
    }
}
