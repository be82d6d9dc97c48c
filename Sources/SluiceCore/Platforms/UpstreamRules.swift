/// What answers mean that mean the same at every platform.
enum UpstreamRules {
    /// Statuses after which the same request may succeed later: the upstream is busy or broken
    /// (408, 425, 429, 5xx), or our credentials or its address are wrong (401, 403, 404, 3xx),
    /// which must never cost an event.
    static func isTemporary(_ status: Int) -> Bool {
        switch status {
        case 300..<400, 401, 403, 404, 407, 408, 425, 429, 500...: true
        default: status < 200
        }
    }

    /// How long the upstream asks to wait: `Retry-After` in seconds or as a date, or the
    /// `X-RateLimit-Reset` of a 429, in seconds from now or since 1970. Bounded.
    static func retryAfterSeconds(_ answer: UpstreamAnswer, now milliseconds: Int64) -> Int? {
        if let value = answer.header("retry-after") {
            if let seconds = Int(value.trimmingSpaces) { return bounded(seconds) }
            if let date = HTTPDateText.parse(value.trimmingSpaces) {
                return bounded(Int((date - milliseconds + 999) / 1_000))
            }
        }
        guard answer.status == 429, let value = answer.header("x-ratelimit-reset"),
            let reset = Double(value.trimmingSpaces), reset.isFinite, reset >= 0
        else { return nil }
        let now = Double(milliseconds) / 1_000
        // A count of seconds since 1970 is far larger than any wait.
        if reset > 100_000_000_000 { return bounded(Int(min(reset / 1_000 - now, 1e9).rounded(.up))) }
        if reset > 100_000_000 { return bounded(Int((reset - now).rounded(.up))) }
        return bounded(Int(reset.rounded(.up)))
    }

    private static func bounded(_ seconds: Int) -> Int {
        min(max(seconds, 0), CoreLimits.retryAfterSecondsMax)
    }

    /// The status and the beginning of the upstream's words.
    static func reason(_ answer: UpstreamAnswer, words: String? = nil) -> String {
        let text = bounded(
            words ?? String(decoding: answer.body.prefix(CoreLimits.reasonBytesMax), as: UTF8.self))
        return text.isEmpty ? "HTTP \(answer.status)" : "HTTP \(answer.status): \(text)"
    }
}

extension UpstreamRules {
    /// The beginning of an upstream's words, as much as is kept.
    static func bounded(_ words: String) -> String {
        guard words.utf8.count > CoreLimits.reasonBytesMax else { return words }
        return String(decoding: words.utf8.prefix(CoreLimits.reasonBytesMax), as: UTF8.self)
    }
}

extension String {
    fileprivate var trimmingSpaces: String {
        var text = self[...]
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}

/// Dates in HTTP headers (RFC 9110, section 5.6.7), in the one form that is generated today:
/// `Sun, 06 Nov 1994 08:49:37 GMT`.
enum HTTPDateText {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Milliseconds since 1970; nil for anything else.
    static func parse(_ text: String) -> Int64? {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0].hasSuffix(","), parts[5] == "GMT",
            let month = months.firstIndex(of: String(parts[2])), parts[1].utf8.count == 2,
            parts[3].utf8.count == 4, parts[4].utf8.count == 8
        else { return nil }
        let number = month + 1
        let iso = "\(parts[3])-\(number < 10 ? "0" : "")\(number)-\(parts[1])T\(parts[4])Z"
        return Array(iso.utf8).withBytes { Timestamp.parse($0) }
    }
}
