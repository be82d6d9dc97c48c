import CCurl
import SluiceCore

/// One curl multi handle, driven by readiness and one timer; it never blocks.
///
/// libcurl says through the socket callback which sockets to watch and through the timer callback
/// when it wants to be called; the loop tells it what is ready through `ready` and `tick`.
///
/// Invariants: 1. each transfer in `active` is in the multi handle, and the other way round; it knows its place
/// there. 2. no curl function is called from within a callback.
///
/// Owner: the delivery thread.
@safe package final class CurlDriver: SocketListener {
    private let multi: UnsafeMutableRawPointer
    private let sockets: CurlSockets
    private var active: [UpstreamTransfer] = []
    /// When curl wants `tick`, monotonic milliseconds, 0 for at once; nil: no timer is set.
    package private(set) var timerAt: Int64?
    private let clock: () -> Int64

    /// - Parameters:
    ///   - connectionsMax: idle and busy connections kept, over all hosts.
    ///   - hostConnectionsMax: to one host and port.
    ///   - clock: monotonic milliseconds.
    package init(
        watcher: any SocketWatcher, connectionsMax: Int, hostConnectionsMax: Int,
        clock: @escaping () -> Int64
    ) {
        CurlLibrary.start()
        sockets = CurlSockets(watcher)
        self.clock = clock
        guard let multi = unsafe curl_multi_init() else { fatalError("curl_multi_init: out of memory") }
        unsafe self.multi = multi
        // Safety: the handle is alive until deinit. The callbacks' contexts are this object and one it holds,
        // unretained: deinit takes the multi handle away before they go.
        let this = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe check(
            ccurl_multi_set_socket_function(multi) { _, socket, what, context, _ in
                unsafe CurlSockets.from(context).changed(socket, what)
            })
        unsafe check(ccurl_multi_set_socket_data(multi, Unmanaged.passUnretained(sockets).toOpaque()))
        unsafe check(
            ccurl_multi_set_timer_function(multi) { _, milliseconds, context in
                unsafe CurlDriver.from(context).timerChanged(milliseconds)
            })
        unsafe check(ccurl_multi_set_timer_data(multi, this))
        unsafe check(ccurl_multi_set_pipelining(multi, ccurl_pipe_multiplex()))
        unsafe check(ccurl_multi_set_connections_max(multi, max(1, connectionsMax)))
        unsafe check(ccurl_multi_set_host_connections_max(multi, max(1, hostConnectionsMax)))
    }

    deinit {
        // Safety: the handle is alive, and nobody calls back into an object that is going: the
        // callbacks are taken away first, and sockets that are closed are told to `sockets`, which goes after this.
        // No easy handle is left in it when it is freed.
        unsafe check(ccurl_multi_set_socket_function(multi, nil))
        unsafe check(ccurl_multi_set_timer_function(multi, nil))
        abandonAll()
        unsafe check(curl_multi_cleanup(multi))
    }

    package var activeCount: Int { active.count }

    /// Starts a transfer whose request has been filled.
    package func start(_ transfer: UpstreamTransfer, url: String) {
        transfer.prepare(url: url)
        transfer.attach(to: sockets)
        transfer.place = active.count
        active.append(transfer)
        // Safety: both handles are alive; the transfer is held until it leaves the multi handle.
        unsafe check(curl_multi_add_handle(multi, transfer.easy))
    }

    /// A watched socket is ready.
    package func ready(_ socket: Int32, readable: Bool, writable: Bool, failed: Bool) {
        var mask: Int32 = 0
        if readable { mask |= CURL_CSELECT_IN }
        if writable { mask |= CURL_CSELECT_OUT }
        if failed { mask |= CURL_CSELECT_ERR }
        act(socket, mask)
    }

    /// Calls curl when its timer is due.
    package func tick(now: Int64) {
        guard let due = timerAt, due <= now else { return }
        // CURLMOPT_TIMERFUNCTION: "Your callback function should install a non-repeating timer".
        timerAt = nil
        act(ccurl_socket_timeout(), 0)
    }

    private func act(_ socket: Int32, _ mask: Int32) {
        var running: Int32 = 0
        // Safety: the handle is alive. A socket that curl has closed since is unknown to it and
        // does no harm.
        unsafe check(curl_multi_socket_action(multi, socket, mask, &running))
    }

    /// The next transfer that is over, or nil.
    package func nextDone() -> (transfer: UpstreamTransfer, result: TransferResult)? {
        var code = CURLE_OK
        // Safety: the handle is alive; the message is read at once, as
        // "the data the returned pointer points to will not survive calling curl_multi_cleanup,
        // curl_multi_remove_handle or curl_easy_cleanup" (curl_multi_info_read).
        guard let easy = unsafe ccurl_next_done(multi, &code) else { return nil }
        // Safety: the private pointer is the transfer, which `active` holds.
        let transfer = unsafe Unmanaged<UpstreamTransfer>
            .fromOpaque(ccurl_get_private(easy)!).takeUnretainedValue()
        let result = transfer.result(code)
        remove(transfer)
        return (transfer, result)
    }

    /// Gives up every transfer under way; what became of them is not known. Returns those whose request had
    /// left, at least partly.
    @discardableResult
    package func abandonAll() -> [UpstreamTransfer] {
        active.filter { transfer in
            let wasSent = transfer.wasSent
            remove(transfer)
            return wasSent
        }
    }

    private func remove(_ transfer: UpstreamTransfer) {
        // Safety: both handles are alive, and the one is in the other (invariant 1).
        unsafe check(curl_multi_remove_handle(multi, transfer.easy))
        guard let place = transfer.place else { preconditionFailure("invariant 1") }
        transfer.place = nil
        let last = active.removeLast()
        guard last !== transfer else { return }
        active[place] = last
        last.place = place
    }

    // MARK: Callbacks

    private static func from(_ context: UnsafeMutableRawPointer?) -> CurlDriver {
        // Safety: the context is the driver, which outlives its multi handle.
        unsafe Unmanaged<CurlDriver>.fromOpaque(context!).takeUnretainedValue()
    }

    private func timerChanged(_ milliseconds: Int) -> Int32 {
        // "A timeout_ms value of -1 passed to this callback means you should delete the timer."
        // Even a timeout of 0 does not lead to a call from here (invariant 2): the loop ticks next.
        timerAt = milliseconds < 0 ? nil : milliseconds == 0 ? 0 : clock() + Int64(milliseconds)
        return 0
    }

    private func check(_ code: CURLMcode) {
        guard code == CURLM_OK else {
            // Safety: curl_multi_strerror returns a constant string.
            let text = unsafe String(cString: curl_multi_strerror(code))
            preconditionFailure("libcurl: \(text)")
        }
    }
}
