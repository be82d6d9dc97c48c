/// Canonical events as they are, for a receiver of one's own.
///
/// A request is `POST` with a JSON array of canonical events. With a secret it carries
/// `Sluice-Signature: t=<seconds since 1970>,v1=<64 hexadecimal digits>`, where the digits are
/// HMAC-SHA256 under the secret of the text `<t>.<body>`: the seconds in decimal digits as they
/// stand in the header, a full stop, and the body's bytes exactly as they were sent, that is,
/// compressed when `Content-Encoding: gzip` says so. Receivers should refuse a `t` that is too far
/// from their clock.
///
/// Delivery thread only.
package final class WebhookEncoder: PlatformEncoder {
    package let eventsPerRequestMax = CoreLimits.webhookEventsMax

    private let signature: HMACSHA256?
    private let compressor: ZlibCompressor?
    private var body = ByteBuffer(capacity: 65_536)
    private var work = ByteBuffer(capacity: 256)
    private var eventCount = 0
    private var nowMilliseconds: Int64 = 0

    /// - Parameters:
    ///   - gzip: compresses bodies.
    ///   - secret: signs requests; nil or empty for none.
    package init(gzip: Bool, secret: String?) {
        compressor = gzip ? ZlibCompressor(format: .gzip, level: 6) : nil
        if let secret, !secret.isEmpty {
            signature = Array(secret.utf8).withBytes { HMACSHA256(key: $0) }
        } else {
            signature = nil
        }
    }

    package func takes(type: EventType, network: Bytes) -> Bool { true }

    package func begin(now milliseconds: Int64) {
        nowMilliseconds = milliseconds
        eventCount = 0
        body.removeAll()
        body.append(0x5B)
    }

    package func add(_ event: Bytes) -> EncodeResult {
        if eventCount > 0 {
            guard eventCount < eventsPerRequestMax,
                body.count + event.count < CoreLimits.webhookBodyBytesMax
            else { return .full }
            body.append(0x2C)
        }
        body.append(event)
        eventCount += 1
        return .added
    }

    package func finish(part: Int, into request: inout OutgoingRequest) {
        body.append(0x5D)
        request.method = .post
        request.contentType = "application/json"
        let start = request.body.count
        if let compressor, (try? compressor.compress(body.bytes, into: &request.body)) != nil {
            request.headers.append("Content-Encoding: gzip")
        } else {
            // Without memory to compress, the events go as they are.
            request.body.truncate(to: start)
            request.body.append(body.bytes)
        }
        sign(request.body.bytes, &request.headers)
    }

    private func sign(_ body: Bytes, _ headers: inout [String]) {
        guard let signature else { return }
        let seconds = nowMilliseconds / 1_000
        work.removeAll()
        work.appendDecimal(Int(seconds))
        work.append(0x2E)
        signature.update(work.bytes)
        signature.update(body)
        work.removeAll()
        signature.finishHex(into: &work)
        headers.append("Sluice-Signature: t=\(seconds),v1=\(work.bytes.string)")
    }

    package func classify(_ answer: UpstreamAnswer, eventCount: Int) -> Verdict {
        if (200..<300).contains(answer.status) { return .delivered }
        let reason = UpstreamRules.reason(answer)
        if UpstreamRules.isTemporary(answer.status) {
            return .retry(
                afterSeconds: UpstreamRules.retryAfterSeconds(answer, now: nowMilliseconds), reason: reason)
        }
        // 410: the receiver is gone for good, whatever the request's size.
        return answer.status == 410 || eventCount <= 1 ? .rejected(reason: reason) : .split(reason: reason)
    }
}
