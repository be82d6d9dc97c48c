import Glibc
import SluiceCore
import SluiceDelivery
import SluiceIO
import SluiceLog
import Synchronization

/// Lets a few people watch: hands each `sluice tail` a session of its own on its connection's thread.
///
/// Nothing on an event's way knows of them: a session reads the log like a destination does, and one that
/// cannot keep up leaves out what it has missed.
///
/// Invariant: sessions end before the log is closed; `stop` waits for them. Any thread.
package final class TailDesk: Sendable {
    /// Sessions at the same time.
    package static let sessionsMax = 4

    let log: EventLog
    let refusals: RefusalDesk
    let destinations: [DestinationSettings]
    /// Events behind which a session leaves out what it has missed.
    let behindMax: Int64
    private let sourceNames: [String]
    private let sessions = Mutex(0)
    private let isStopping = Flag()
    private let droppedCount = Atomic<Int>(0)

    package init(
        log: EventLog, configuration: Configuration, refusals: RefusalDesk, behindMax: Int64 = 200_000
    ) {
        self.log = log
        self.behindMax = behindMax
        self.refusals = refusals
        destinations = configuration.destinations
        sourceNames = configuration.sources.map(\.name)
    }

    /// Sessions there are now.
    package var open: Int { sessions.withLock { $0 } }

    /// Lines left out for clients that read too slowly.
    package var dropped: Int { droppedCount.load(ordering: .relaxed) }

    func countDropped(_ count: Int64) { droppedCount.add(Int(count), ordering: .relaxed) }

    var stops: Bool { isStopping.value }

    /// The answer to `GET /api/tail?query`: a stream of NDJSON, or why there is none.
    package func respond(query: String) -> SimpleResponse {
        let asked: TailQuery
        do throws(FormError) {
            asked = try TailQuery(query, sources: sourceNames, destinations: destinations.map(\.name))
        } catch {
            return problem(400, "bad_request", error.message)
        }
        var response = SimpleResponse(
            status: 200, headers: [("Content-Type", "application/x-ndjson"), ("Cache-Control", "no-store")])
        response.stream = { stream in self.serve(asked, stream) }
        // Only a look: two that come at once may both get in, and one of them gets an end at once.
        guard open < TailDesk.sessionsMax, !stops else {
            return problem(
                503, "too_many_tails",
                stops ? "the gateway is stopping" : "\(TailDesk.sessionsMax) tails are open already")
        }
        return response
    }

    private func serve(_ query: TailQuery, _ stream: BodyStream) {
        let isTaken = sessions.withLock { count in
            guard count < TailDesk.sessionsMax, !stops else { return false }
            count += 1
            return true
        }
        var session = TailSession(query, self)
        guard isTaken else { return session.end(stream, stops ? "the gateway stops" : "too many tails") }
        session.run(stream)
        sessions.withLock { $0 -= 1 }
    }

    /// Ends every session and waits for them; a client that takes nothing any more is cut off.
    package func stop() {
        isStopping.set()
        while open > 0 { usleep(5000) }
    }

    private struct ProblemBody: Encodable {
        struct Content: Encodable {
            var code: String
            var message: String
        }
        var error: Content
    }

    private func problem(_ status: Int, _ code: String, _ message: String) -> SimpleResponse {
        SimpleResponse(
            status: status, contentType: "application/json",
            text: AdminJSON.encode(ProblemBody(error: .init(code: code, message: message))) + "\n")
    }
}
