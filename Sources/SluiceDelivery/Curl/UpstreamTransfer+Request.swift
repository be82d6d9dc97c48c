import CCurl
import SluiceCore

// What a request lends its handle. A destination's requests differ in their bodies and little else, so whatever
// is as it was in the handle's last request stays where it is.

extension UpstreamTransfer {
    /// Whether the line can be sent: it cannot end and begin another.
    package static func isSendable(_ line: String) -> Bool {
        line.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
    }

    /// Makes the handle ready for the request.
    func prepare(url: String) {
        precondition(!isActive)
        forgetAnswer()
        if url != self.url { lend(url) }
        let isGet = request.method == .get
        let isLong = request.body.count > UpstreamTransfer.shortBodyBytesMax
        if lentIsGet != isGet {
            lentIsGet = isGet
            // Safety: the handle is idle; the option is a number.
            if isGet { unsafe check(ccurl_set_http_get(easy, 1)) } else { unsafe check(ccurl_set_post(easy, 1)) }
            lendHeaders()
        } else if request.headers != lentHeaders || isLong != lentIsLong || !isContentTypeLent {
            lendHeaders()
        }
        if !isGet { lendBody() }
    }

    /// CURLOPT_CURLU: curl parses a text before each transfer, but takes over what is parsed already.
    private func lend(_ url: String) {
        self.url = url
        // Safety: the handles are alive and idle; curl copies the text.
        if unsafe curl_url_set(parsedURL, CURLUPART_URL, url, 0) == CURLUE_OK {
            // The text that curl made of an earlier one goes.
            unsafe check(ccurl_set_url(easy, nil))
            unsafe check(ccurl_set_parsed_url(easy, parsedURL))
        } else {
            // The transfer fails and says why.
            unsafe check(ccurl_set_parsed_url(easy, nil))
            unsafe check(ccurl_set_url(easy, url))
        }
    }

    private var isContentTypeLent: Bool {
        guard let lent = lentContentType else { return false }
        return Bytes(lent).equals(Bytes(request.contentType))
    }

    private func lendHeaders() {
        lentHeaders = request.headers
        lentContentType = request.contentType
        lentIsLong = request.body.count > UpstreamTransfer.shortBodyBytesMax
        let old = unsafe headerList
        unsafe headerList = nil
        // An empty value removes curl's own header: no "Expect: 100-continue" and its round trip. Each line is looked at
        // a dozen times for every request, so it is there for those only that would get one.
        if lentIsLong { addHeader("Expect:") }
        if lentIsGet == false { addHeader("Content-Type: \(request.contentType)") }
        // As a line of its own it need not be put together for each request.
        if !settings.hasProxy, !settings.namesUserAgent, !request.headers.contains(where: UpstreamSettings.isUserAgent)
        {
            addHeader("User-Agent: " + settings.userAgent)
        }
        for line in settings.headerLines { addHeader(line) }
        for line in request.headers { addHeader(line) }
        // Safety: the handle is idle, so replacing what it was lent is allowed. The list is not copied by curl:
        // the old one is freed only after the new one has taken its place.
        unsafe check(ccurl_set_headers(easy, headerList))
        unsafe curl_slist_free_all(old)
    }

    private func addHeader(_ line: String) {
        precondition(UpstreamTransfer.isSendable(line), "a header line with control characters")
        // Safety: curl_slist_append copies the string; nil means that memory ran out.
        guard let longer = unsafe curl_slist_append(headerList, line) else {
            fatalError("curl_slist_append: out of memory")
        }
        unsafe headerList = longer
    }

    private func lendBody() {
        // CURLOPT_POSTFIELDS: "The data pointed to is NOT copied by the library: as a consequence,
        // it must be preserved by the calling application until the associated transfer finishes."
        unsafe request.body.withUnsafeMutablePointer { start, count in
            // Safety: the buffer's memory stays put until the request is filled again, which
            // invariant 1 forbids before the transfer is over.
            unsafe check(ccurl_set_post_field_size(easy, curl_off_t(count)))
            unsafe check(ccurl_set_post_fields(easy, start))
        }
    }
}
