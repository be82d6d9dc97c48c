import CCurl
import SluiceCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// How one transfer ended.
package enum TransferResult {
    case answered(UpstreamAnswer)
    /// No usable answer; curl's words. `wasSent` tells whether the upstream may have got the request: at least
    /// part of it left, so that nobody knows what became of it.
    case failed(String, wasSent: Bool)
}

/// What was measured of one transfer.
package struct TransferFigures: Equatable, Sendable {
    /// From start to the last byte of the answer.
    package var microseconds: Int64 = 0
    /// Head and body sent.
    package var bytesSent: Int64 = 0
    /// Whether it went over a connection that was there already.
    package var reusedConnection = false
    package var overHTTP2 = false
}

/// The settings that all requests of one destination share.
package struct UpstreamSettings: Sendable {
    package var timeoutMilliseconds: Int
    package var caFile: String?
    package var proxy: String?
    package var userAgent: String
    package var secure: Bool
    /// Nothing is sent a second time unless delivery itself decides so.
    package var sendsOnce: Bool
    /// The lines of the headers that go with every request.
    package var headerLines: [String]
    /// Whether one of them is a User-Agent.
    package var namesUserAgent: Bool

    package var hasProxy: Bool { proxy != nil }

    package init(_ configuration: DestinationConfiguration, userAgent: String) {
        timeoutMilliseconds = max(1, configuration.timeoutMilliseconds)
        caFile = configuration.caFile
        proxy = configuration.proxy
        self.userAgent = userAgent
        sendsOnce = configuration.parksAmbiguous
        secure = configuration.url.lowercased().hasPrefix("https:")
        headerLines = configuration.fixedHeaders.map { header in
            // "Name;" is how curl is told to send a header without value.
            header.value.isEmpty ? header.name + ";" : header.name + ": " + header.value
        }
        namesUserAgent = headerLines.contains(where: UpstreamSettings.isUserAgent)
    }

    static func isUserAgent(_ line: String) -> Bool {
        line.prefix { $0 != ":" && $0 != ";" }.lowercased() == "user-agent"
    }
}

/// One easy handle with everything a request lends it; used again and again for one destination.
///
/// Invariants: 1. between `CurlDriver.start` and its completion neither `request` nor the header
/// list nor the parsed URL nor the error buffer changes: curl reads them in place. 2. `isActive` is true exactly in
/// between, and the driver holds a strong reference then. 3. `url`, `lentIsGet`, `lentIsLong`, `lentContentType` and
/// `lentHeaders` say what the handle was lent last.
///
/// Owner: the delivery thread.
@safe package final class UpstreamTransfer {
    /// Kept of an answer's body; the rest is read and dropped, so that the connection stays usable.
    package static let bodyKeptMax = 65_536
    /// An answer longer than this is cut off and counts as none.
    static let bodyReadMax = 16 << 20
    static let headerBytesMax = 16_384
    /// Bodies up to this size are sent by libcurl without asking first: it asks from 1 MiB on.
    static let shortBodyBytesMax = 262_144
    static let connectMillisecondsMax = 10_000
    static let tricklingSecondsMax = 60

    /// What is sent; fill it before starting.
    package var request = OutgoingRequest()
    /// The whole URL; set when started.
    package internal(set) var url = ""
    /// For whoever starts it: which destination, which batch.
    package var destinationIndex = 0
    package var batch = BatchID(value: 0)
    /// How many events the request carries.
    package var eventCount = 0
    package var isActive: Bool { place != nil }
    /// Among the driver's active transfers.
    var place: Int?

    let easy: UnsafeMutableRawPointer
    let parsedURL: OpaquePointer
    let settings: UpstreamSettings
    private let errorText: UnsafeMutablePointer<CChar>
    var headerList: UnsafeMutablePointer<curl_slist>?
    var lentIsGet: Bool?
    var lentIsLong = false
    var lentContentType: StaticString?
    var lentHeaders: [String] = []
    /// Whether the driver's sockets are told of those this handle opens and closes.
    private var isAttached = false
    private var body: [UInt8] = []
    private var bodyRead = 0

    package init(_ settings: UpstreamSettings) {
        CurlLibrary.start()
        guard let easy = unsafe curl_easy_init(), let parsedURL = unsafe curl_url() else {
            fatalError("curl_easy_init: out of memory")
        }
        unsafe self.easy = easy
        unsafe self.parsedURL = parsedURL
        self.settings = settings
        // Safety: freed in deinit, after the handle that writes to it.
        unsafe errorText = .allocate(capacity: Int(ccurl_error_size()))
        unsafe errorText.initialize(repeating: 0, count: Int(ccurl_error_size()))
        configure(settings)
    }

    deinit {
        precondition(!isActive, "invariant 2: a running transfer is held by its driver")
        // Safety: not active, so no multi handle knows the easy handle; the buffers go after it.
        unsafe curl_easy_cleanup(easy)
        unsafe curl_url_cleanup(parsedURL)
        unsafe curl_slist_free_all(headerList)
        unsafe errorText.deallocate()
    }

    private func configure(_ settings: UpstreamSettings) {
        // Safety: the handle is alive until deinit; curl copies every string option. The callbacks'
        // context is this object, unretained: callbacks run only while the driver holds it
        // (invariant 2).
        let this = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe check(ccurl_set_error_buffer(easy, errorText))
        unsafe check(ccurl_set_private(easy, this))
        unsafe check(
            ccurl_set_write_function(easy) { data, size, count, context in
                unsafe UpstreamTransfer.from(context).received(data, size * count)
            })
        unsafe check(ccurl_set_write_data(easy, this))
        // CURLOPT_NOSIGNAL: "If onoff is 1, libcurl will not use any functions that install signal
        // handlers or any functions that cause signals to be sent to the process."
        unsafe check(ccurl_set_no_signal(easy, 1))
        // Names are resolved on threads of curl's. Without this option a transfer that ends before its
        // name is resolved is joined with that thread: a silent name server would hold up every other
        // destination, and the drain, for as long as the system's resolver keeps trying.
        // CURLOPT_QUICK_EXIT: "when recovering from a timeout, libcurl should skip lengthy cleanups
        // that are intended to avoid all kinds of leaks (threads etc.)". The thread left behind frees
        // what it holds when it is done.
        unsafe check(ccurl_set_quick_exit(easy, 1))
        unsafe check(ccurl_set_protocols(easy, "http,https"))
        unsafe check(ccurl_set_follow_location(easy, 0))
        unsafe check(ccurl_set_verify_peer(easy, 1))
        // CURLOPT_SSL_VERIFYHOST: "When the verify value is 2, that certificate must indicate that
        // the server is the server to which you meant to connect, or the connection fails."
        unsafe check(ccurl_set_verify_host(easy, 2))
        if let caFile = settings.caFile { unsafe check(ccurl_set_ca_file(easy, caFile)) }
        // CURLOPT_PROXY: "Setting the proxy string to "" (an empty string) explicitly disables the
        // use of a proxy, even if there is an environment variable set for it."
        unsafe check(ccurl_set_proxy(easy, settings.proxy ?? ""))
        // Without a proxy there are no exceptions to it, and the environment need not be searched for them.
        if !settings.hasProxy { unsafe check(ccurl_set_no_proxy(easy, "")) }
        // A proxy that is asked for a tunnel hears it, too, which a line of the request's own would not do.
        if settings.hasProxy { unsafe check(ccurl_set_user_agent(easy, settings.userAgent)) }
        unsafe check(ccurl_set_http_version(easy, ccurl_http_version_2tls()))
        // CURLOPT_PIPEWAIT: "Set wait to 1L to tell libcurl to prefer to wait for a connection to
        // confirm or deny that it can do multiplexing". Plain HTTP never can here: no need to wait.
        unsafe check(ccurl_set_pipe_wait(easy, settings.secure ? 1 : 0))
        unsafe check(ccurl_set_timeout_milliseconds(easy, settings.timeoutMilliseconds))
        // What the whole transfer's time limits anyway needs no timer of its own: each is set and taken away again
        // for every request.
        if settings.timeoutMilliseconds > UpstreamTransfer.connectMillisecondsMax {
            unsafe check(ccurl_set_connect_timeout_milliseconds(easy, UpstreamTransfer.connectMillisecondsMax))
        }
        // A transfer that trickles is over before a long timeout is.
        if settings.timeoutMilliseconds > UpstreamTransfer.tricklingSecondsMax * 1000 {
            unsafe check(ccurl_set_low_speed_limit(easy, 1))
            unsafe check(ccurl_set_low_speed_time(easy, UpstreamTransfer.tricklingSecondsMax))
        }
        unsafe check(ccurl_set_tcp_keepalive(easy, 1))
        unsafe check(ccurl_set_tcp_nodelay(easy, 1))
        guard settings.sendsOnce else { return }
        // A request whose reused connection dies before the answer begins is sent again by libcurl itself, on
        // another connection, without asking: it takes the connection for one that had been closed while idle.
        // Only a connection of its own keeps a request from that.
        unsafe check(ccurl_set_fresh_connect(easy, 1))
        unsafe check(ccurl_set_forbid_reuse(easy, 1))
    }

    func check(_ code: CURLcode) {
        guard code == CURLE_OK else {
            // Safety: curl_easy_strerror returns a constant string.
            let text = unsafe String(cString: curl_easy_strerror(code))
            fatalError("libcurl refuses an option that delivery cannot do without: \(text)")
        }
    }

    /// Tells `sockets` from now on of the sockets that are opened and closed for this handle's connections.
    func attach(to sockets: CurlSockets) {
        guard !isAttached else { return }
        isAttached = true
        // Safety: the context is the driver's, which keeps it until all connections are closed: they may outlive
        // this handle.
        let context = unsafe Unmanaged.passUnretained(sockets).toOpaque()
        unsafe check(
            ccurl_set_socket_option_function(easy) { context, socket, _ in
                unsafe CurlSockets.from(context).opened(socket)
            })
        unsafe check(ccurl_set_socket_option_data(easy, context))
        unsafe check(
            ccurl_set_close_socket_function(easy) { context, socket in
                unsafe CurlSockets.from(context).close(socket)
            })
        unsafe check(ccurl_set_close_socket_data(easy, context))
    }

    /// Makes room for the next answer.
    func forgetAnswer() {
        body.removeAll(keepingCapacity: true)
        bodyRead = 0
        // Safety: curl writes to it only while the transfer is active.
        unsafe errorText[0] = 0
    }

    // MARK: Callbacks

    private static func from(_ context: UnsafeMutableRawPointer?) -> UpstreamTransfer {
        // Safety: the context is the transfer itself, held by the driver while callbacks run.
        unsafe Unmanaged<UpstreamTransfer>.fromOpaque(context!).takeUnretainedValue()
    }

    /// Takes a piece of the body. Another return value than `count` ends the transfer.
    private func received(_ data: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
        bodyRead += count
        guard bodyRead <= UpstreamTransfer.bodyReadMax else { return 0 }
        let kept = min(count, UpstreamTransfer.bodyKeptMax - body.count)
        if kept > 0, let data = unsafe data {
            // Safety: curl lends `count` bytes for the duration of the call.
            unsafe body.append(contentsOf: UnsafeRawBufferPointer(start: data, count: kept))
        }
        return count
    }

    // MARK: The end

    /// What came of it; called once, when curl says it is done.
    func result(_ code: CURLcode) -> TransferResult {
        // Safety: the handle is alive and idle.
        let status = unsafe ccurl_get_response_code(easy)
        guard bodyRead <= UpstreamTransfer.bodyReadMax else {
            return .failed("the answer exceeds \(UpstreamTransfer.bodyReadMax) bytes", wasSent: true)
        }
        guard code == CURLE_OK else {
            // Safety: curl ends the text with a NUL; a constant string otherwise.
            let detail = unsafe String(cString: errorText)
            let kind = unsafe String(cString: curl_easy_strerror(code))
            return .failed(detail.isEmpty ? kind : detail, wasSent: wasSent)
        }
        guard status >= 200 else {
            return .failed("the answer has no usable status (\(status))", wasSent: true)
        }
        return .answered(UpstreamAnswer(status: status, body: body, headers: self))
    }

    /// Whether any of the last request left, over a connection that was ready for it: neither a name that is
    /// not found, nor a refused connection, nor a failed handshake sends anything.
    var wasSent: Bool {
        // Safety: the handle is alive; the call reads one number.
        unsafe ccurl_get_request_size(easy) > 0
    }

    /// Of the last transfer; ask once it is over.
    package var figures: TransferFigures {
        // Safety: the handle is alive; each call reads one number.
        // A body that went out together with the head is counted with it, too.
        let request = unsafe Int64(ccurl_get_request_size(easy))
        let body = unsafe Int64(ccurl_get_uploaded_bytes(easy))
        return unsafe TransferFigures(
            microseconds: Int64(ccurl_get_total_microseconds(easy)),
            bytesSent: request > body ? request : request + body,
            reusedConnection: ccurl_get_new_connections(easy) == 0,
            overHTTP2: ccurl_get_http_version(easy) == ccurl_http_version_2_0())
    }
}

extension UpstreamTransfer: UpstreamHeaders {
    /// Of the last answer.
    package func header(_ name: String) -> String? {
        // Safety: the handle is alive; curl ends the value with a NUL and keeps it until its next transfer. It is
        // copied at once.
        guard let value = unsafe ccurl_get_header(easy, name), unsafe strlen(value) <= UpstreamTransfer.headerBytesMax
        else { return nil }
        return unsafe String(cString: value)
    }
}

/// The library's own set-up, once per process.
enum CurlLibrary {
    private static let started: Bool = curl_global_init(ccurl_global_default()) == CURLE_OK

    static func start() {
        precondition(started, "curl_global_init failed")
    }

    /// For logs and the status page, such as `libcurl/7.88.1 OpenSSL/3.0.15 …`.
    static var version: String {
        start()
        // Safety: curl_version returns a constant string.
        return unsafe String(cString: curl_version())
    }
}
