import SluiceCore
import SluiceHTTP
import SluiceIO
import Synchronization
import Testing

/// An edge loop on a thread of its own, with a handler that does what the path says:
/// `/now`, `/wait/TICKET`, `/later/NUMBER`, `/stall` (while stalling is on, else like `/now`), `/big/BYTES`. The
/// answer's body is the request's path and body.
final class TestEdge: Sendable {
    let address: PeerAddress
    let loop: EdgeLoop
    private let handler: TestHandler
    private let waker: EventFD
    private let thread = Mutex<JoinableThread?>(nil)

    init(
        _ limits: EdgeLimits = EdgeLimits(), listen: String = "127.0.0.1:0", sendBuffer: Int? = nil,
        startsLater: Bool = false
    ) throws {
        let listener = try ListeningSocket.bind(ListenAddress.parse(listen), reusePort: false)
        if let sendBuffer { listener.setSendBuffer(bytes: sendBuffer) }
        address = listener.address
        waker = try EventFD()
        handler = TestHandler()
        let loop = try EdgeLoop(listeners: [listener], limits: limits, waker: waker, handler: handler)
        handler.loop.value = loop
        self.loop = loop
        if !startsLater { start() }
    }

    func start() {
        let loop = loop
        thread.withLock { $0 = startThread(name: "test-edge") { loop.run() } }
    }

    /// Drains the loop and waits for its end.
    func stop(deadlineMilliseconds: Int = 0) {
        loop.requestDrain(deadlineMilliseconds: deadlineMilliseconds)
        thread.withLock { $0 }?.join()
        handler.loop.value = nil
    }

    var threadHandle: UInt64 { thread.withLock { $0?.handle ?? 0 } }

    func client(receiveBuffer: Int32? = nil) throws -> TestClient {
        try TestClient(address, receiveBuffer: receiveBuffer)
    }

    func release(through ticket: UInt64) { order { $0.release(through: ticket) } }

    /// Gives the answer that `/later/NUMBER` waits for. The body is `text`.
    func answer(_ number: UInt64, _ text: String) { order { TestHandler.answer(number, text, $0) } }

    func fail(ticket: UInt64) { order { $0.fail(ticket: ticket, retryAfterSeconds: 7) } }

    /// Does several things to the loop in one wakeup.
    func order(_ work: @escaping @Sendable (EdgeLoop) -> Void) {
        handler.orders.withLock { $0.append(work) }
        waker.wake()
    }

    var isStalling: Bool {
        get { handler.isStalling.load(ordering: .sequentiallyConsistent) }
        set {
            handler.isStalling.store(newValue, ordering: .sequentiallyConsistent)
            if !newValue { order { $0.resumeStalled() } }
        }
    }

    /// Paths in the order the handler saw them, those it stalled left out.
    var handled: [String] { handler.handled.withLock { $0 } }
    var stallAttempts: Int { handler.stallAttempts.load(ordering: .sequentiallyConsistent) }
    /// How often the loop said that nothing more was there.
    var nothingMores: Int { handler.nothingMores.load(ordering: .sequentiallyConsistent) }
}

// @unchecked: `loop` is set before the loop's thread starts and cleared after it has ended.
private final class LoopBox: @unchecked Sendable { var value: EdgeLoop? }

private final class TestHandler: EdgeHandler, Sendable {
    let loop = LoopBox()
    let orders = Mutex<[@Sendable (EdgeLoop) -> Void]>([])
    let handled = Mutex<[String]>([])
    let isStalling = Atomic<Bool>(false)
    let stallAttempts = Atomic<Int>(0)
    let nothingMores = Atomic<Int>(0)
    private let tag = Atomic<UInt32>(0)
    /// The ticket that requests for `/gather/TICKET` wait for, until nothing more is there; 0 where none does.
    private let gathering = Atomic<UInt64>(0)

    var failureTag: UInt32 { tag.load(ordering: .relaxed) }

    func handle(_ request: EdgeRequest, answer: inout ByteBuffer) -> Disposition {
        let path = request.head.path.string
        let parts = path.split(separator: "/").map(String.init)
        if parts.first == "stall", isStalling.load(ordering: .sequentiallyConsistent) {
            stallAttempts.add(1, ordering: .sequentiallyConsistent)
            answer.append("this must not be sent")
            return .stall
        }
        handled.withLock { $0.append(path) }
        var body = path
        if !request.body.isEmpty { body += "|" + request.body.string }
        if parts.first == "big", let count = parts.last.flatMap({ Int($0) }) {
            body = String(repeating: "x", count: count)
        }
        if parts.first == "later", let number = parts.last.flatMap({ UInt64($0) }) {
            answer.append("this must not be sent")
            return .later(number)
        }
        Self.write(200, body, head: request.head, to: &answer)
        if parts.first == "gather", let ticket = parts.last.flatMap({ UInt64($0) }) {
            gathering.store(ticket, ordering: .relaxed)
            return .after(ticket: ticket)
        }
        guard parts.first == "wait", let ticket = parts.last.flatMap({ UInt64($0) }) else { return .now }
        tag.store(UInt32(ticket) &* 100, ordering: .relaxed)
        return .after(ticket: ticket)
    }

    func refuse(_ problem: EdgeProblem, head: HTTPRequestHead?, answer: inout ByteBuffer) {
        let path = head?.path.string ?? "-"
        Self.write(
            problem.status, "\(problem.code) \(path)", keepAlive: false, isHead: false, to: &answer)
    }

    func answerFailure(
        tag: UInt32, retryAfterSeconds: Int, keepAlive: Bool, isHead: Bool, prepared: Bytes,
        answer: inout ByteBuffer
    ) {
        #expect(prepared.hasPrefix("HTTP/1.1 200 Test\r\n"))
        Self.write(
            503, "failed \(tag) \(retryAfterSeconds)", keepAlive: keepAlive, isHead: isHead, to: &answer)
    }

    func batchEnded() {}

    var wantsMore: Bool { gathering.load(ordering: .relaxed) != 0 }

    func nothingMore() {
        nothingMores.add(1, ordering: .sequentiallyConsistent)
        loop.value?.release(through: gathering.exchange(0, ordering: .relaxed))
    }

    func woken() {
        let work = orders.withLock { orders in
            let all = orders
            orders.removeAll()
            return all
        }
        guard let loop = loop.value else { return }
        for order in work { order(loop) }
    }

    static func answer(_ number: UInt64, _ text: String, _ loop: EdgeLoop) {
        loop.answer(number) { keepAlive, isHead, answer in
            write(200, text, keepAlive: keepAlive, isHead: isHead, to: &answer)
        }
    }

    private static func write(
        _ status: Int, _ body: String, head: HTTPRequestHead, to answer: inout ByteBuffer
    ) {
        write(
            status, body, keepAlive: head.keepAlive, isHead: head.method == .head, to: &answer)
    }

    private static func write(
        _ status: Int, _ body: String, keepAlive: Bool, isHead: Bool, to answer: inout ByteBuffer
    ) {
        answer.append("HTTP/1.1 \(status) Test\r\nContent-Length: \(body.utf8.count)\r\n")
        if !keepAlive { answer.append("Connection: close\r\n") }
        answer.append("\r\n")
        if !isHead { answer.append(body) }
    }
}

func get(_ path: String, _ extra: String = "") -> String {
    "GET \(path) HTTP/1.1\r\nHost: t\r\n\(extra)\r\n"
}

func post(_ path: String, _ body: String, _ extra: String = "") -> String {
    "POST \(path) HTTP/1.1\r\nHost: t\r\nContent-Length: \(body.utf8.count)\r\n\(extra)\r\n\(body)"
}
