import SluiceHTTP

/// One place in the loop's table of connections, used by one connection after another.
///
///     free -> open -> finishing -> lingering -> free
///
/// `finishing`: the last answer is prepared or on its way; no more requests are read.
/// `lingering`: it has gone and our side is shut; what still arrives is dropped, so that closing
/// does not reset the connection before the client has read the answer.
///
/// Invariants: 1. `generation` changes whenever the place becomes free, so that a token of an
/// earlier connection finds nobody. 2. `input` is nil iff there are no bytes not yet handled.
/// 3. `output` is nil iff every answer has gone to the kernel. 4. while `isStalled`, `progress` is
/// `complete`. Owner: the loop's thread.
final class EdgeConnection {
    enum Phase: UInt8 { case free, open, finishing, lingering }

    /// How far the request at the front of `input` has been read.
    enum Progress: UInt8 {
        /// Its head is incomplete, or there is none yet.
        case head
        /// `headBytes` are known; `bodyBytes` are awaited.
        case length
        /// `headBytes` are known; `bodyBytes` of the body are decoded.
        case chunked
        /// `headBytes` and `bodyBytes` lie there, ready to be handed over.
        case complete
    }

    /// Which limit the connection is under.
    enum Deadline: UInt8 { case none, first, idle, head, body, send, linger }

    let index: Int
    var generation: UInt32 = 0
    var descriptor: Int32 = -1
    var phase = Phase.free
    var progress = Progress.head
    var deadline = Deadline.none

    /// The socket may hold bytes: it was reported readable and not read empty since.
    var mayRead = false
    /// The kernel says the peer has finished: read on until a read says so too.
    var endIsNear = false
    /// The peer sends no more.
    var peerFinished = false
    /// The handler did not take the request at the front.
    var isStalled = false
    /// No more requests are read until answers have gone.
    var isPaused = false
    /// The last send took less than there was.
    var sendBlocked = false
    /// At least one request was handed over.
    var hasAsked = false
    /// The connection stands in the list of those to go on with, or to flush.
    var isReady = false
    var isDirty = false
    /// The client has not had what it sent read to its end: linger before closing.
    var mustLinger = false

    var parser = HTTPRequestParser()
    var chunks = ChunkedBodyDecoder(bodyBytesMax: 0)
    var headBytes = 0
    var bodyBytes = 0
    var lingeredBytes = 0
    /// What its answers are charged to the loop's `answerBytes`.
    var chargedBytes = 0

    var input: ReceiveBuffer?
    var output: AnswerQueue?
    var peer: PeerAddress

    init(index: Int, peer: PeerAddress) {
        self.index = index
        self.peer = peer
    }

    /// What epoll and the loop's lists know the connection by.
    var token: UInt64 { UInt64(generation) << 32 | UInt64(UInt32(truncatingIfNeeded: index)) }

    func open(descriptor: Int32, peer: PeerAddress) {
        assert(phase == .free && input == nil && output == nil)
        self.descriptor = descriptor
        self.peer = peer
        phase = .open
        progress = .head
        deadline = .none
        mayRead = false
        endIsNear = false
        peerFinished = false
        isStalled = false
        isPaused = false
        sendBlocked = false
        isReady = false
        isDirty = false
        mustLinger = false
        hasAsked = false
        lingeredBytes = 0
        parser = HTTPRequestParser()
    }
}
