import SluiceIO
import Synchronization

/// A stand-in behind a real socket on 127.0.0.1.
///
/// `stop` may be called from any thread and more than once; a server that is dropped stops itself.
package final class StandInServer: Sendable {
    package let standIn: StandIn
    /// Where it listens; chosen by the kernel unless asked for.
    package let port: UInt16
    private let server: BlockingHTTPServer
    private let isRunning = Atomic<Bool>(true)

    /// - Parameter port: 0 leaves the choice to the kernel; another one lets a stand-in come back
    ///   where an earlier one was.
    package init(_ standIn: StandIn, port: UInt16 = 0) throws(ListenError) {
        let address = ListenAddress(host: "127.0.0.1", port: port)
        do throws(SystemError) {
            server = try BlockingHTTPServer(
                name: standIn.platform.name, options: Self.options
            ) { request in
                Self.response(
                    standIn.respond(
                        to: StandInRequest(
                            method: request.methodText, path: request.path, query: request.query,
                            headers: request.headers, body: request.body),
                        nowMilliseconds: WallClock.nowMilliseconds))
            }
        } catch {
            throw .system(address, error)
        }
        self.standIn = standIn
        self.port = try server.start(on: address)
    }

    deinit { stop() }

    /// Cuts every connection; requests that hang end here.
    package func stop() {
        if isRunning.exchange(false, ordering: .acquiringAndReleasing) { server.stop() }
    }

    /// What the demo and the drills need, with room: 256 connections, bodies up to 32 MiB.
    private static let options = BlockingServerOptions(
        connections: 256, bodyBytes: 32 << 20, idleTimeoutMilliseconds: 120_000)

    private static func response(_ reply: StandInReply) -> SimpleResponse {
        switch reply {
        case .answer(let answer, let delay):
            SimpleResponse(
                status: answer.status, headers: answer.headers, body: answer.body,
                delayMilliseconds: delay)
        case .reset(let delay):
            SimpleResponse(status: 500, delayMilliseconds: delay, fault: .reset)
        case .hang:
            SimpleResponse(status: 500, fault: .hang)
        }
    }
}
