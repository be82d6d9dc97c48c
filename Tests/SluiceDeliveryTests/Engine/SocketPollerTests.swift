import Glibc
import SluiceDelivery
import SluiceIO
import Testing

@Suite struct SocketPollerTests {
    private final class Listener: SocketListener {
        var reports: [(socket: Int32, readable: Bool, writable: Bool)] = []

        func ready(_ socket: Int32, readable: Bool, writable: Bool, failed: Bool) {
            reports.append((socket, readable, writable))
        }

        /// What was reported since the last time.
        func take() -> [(socket: Int32, readable: Bool, writable: Bool)] {
            defer { reports = [] }
            return reports
        }
    }

    /// Two connected sockets.
    private func pair() -> (Int32, Int32) {
        var sockets: [Int32] = [-1, -1]
        // Safety: socketpair writes two numbers into an array of two.
        #expect(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &sockets) == 0)
        return (sockets[0], sockets[1])
    }

    private func send(_ socket: Int32) {
        // Safety: one byte of constant memory.
        #expect(unsafe write(socket, "x", 1) == 1)
    }

    @Test func aConnectionNobodyWaitsForIsLeftAlone() throws {
        let poller = try SocketPoller(waker: try EventFD())
        let listener = Listener()
        let (near, far) = pair()
        defer { for socket in [near, far] { close(socket) } }
        poller.opened(near)
        poller.watch(near, readable: true, writable: false)
        #expect(poller.wait(milliseconds: 0, listener) == 0)
        send(far)
        #expect(poller.wait(milliseconds: 0, listener) == 1)
        #expect(listener.take().map(\.socket) == [near])
        poller.watch(near, readable: false, writable: false)
        #expect(poller.wait(milliseconds: 0, listener) == 1, "the kernel was not told")
        #expect(listener.take().isEmpty)
        #expect(poller.wait(milliseconds: 0, listener) == 0, "now it was")
        poller.watch(near, readable: true, writable: false)
        #expect(poller.wait(milliseconds: 0, listener) == 1)
        #expect(listener.take().map(\.readable) == [true])
    }

    @Test func whatIsWatchedForWritingIsSoOnlyWhileItIsWanted() throws {
        let poller = try SocketPoller(waker: try EventFD())
        let listener = Listener()
        let (near, far) = pair()
        defer { for socket in [near, far] { close(socket) } }
        for isConnection in [false, true] {
            if isConnection { poller.opened(near) }
            poller.watch(near, readable: true, writable: true)
            #expect(poller.wait(milliseconds: 0, listener) == 1)
            #expect(listener.take().map(\.writable) == [true])
            poller.watch(near, readable: true, writable: false)
            #expect(poller.wait(milliseconds: 0, listener) == 0)
            poller.watch(near, readable: false, writable: true)
            #expect(poller.wait(milliseconds: 0, listener) == 1)
            poller.watch(near, readable: false, writable: false)
            #expect(poller.wait(milliseconds: 0, listener) == 0)
            #expect(listener.take().count == 1)
        }
    }

    /// A number that is used again means another socket, of which the kernel knows nothing.
    @Test func aNumberThatIsUsedAgain() throws {
        let poller = try SocketPoller(waker: try EventFD())
        let listener = Listener()
        let (near, far) = pair()
        let (other, otherFar) = pair()
        defer { for socket in [near, far, other, otherFar] { close(socket) } }
        poller.opened(near)
        poller.watch(near, readable: true, writable: false)
        #expect(poller.wait(milliseconds: 0, listener) == 0)
        poller.watch(near, readable: false, writable: false)
        poller.closed(near)
        #expect(dup2(other, near) == near, "which closes it first")
        poller.opened(near)
        poller.watch(near, readable: true, writable: false)
        send(otherFar)
        #expect(poller.wait(milliseconds: 0, listener) == 1)
        #expect(listener.take().map(\.socket) == [near])
    }

    /// Of what is no connection nobody says when it is closed, so the kernel hears everything at once.
    @Test func whatIsNoConnectionIsForgottenAtOnce() throws {
        let poller = try SocketPoller(waker: try EventFD())
        let listener = Listener()
        let (near, far) = pair()
        defer { for socket in [near, far] { close(socket) } }
        poller.watch(near, readable: true, writable: false)
        send(far)
        #expect(poller.wait(milliseconds: 0, listener) == 1)
        poller.watch(near, readable: false, writable: false)
        #expect(poller.wait(milliseconds: 0, listener) == 0)
        #expect(listener.take().count == 1)
    }
}
