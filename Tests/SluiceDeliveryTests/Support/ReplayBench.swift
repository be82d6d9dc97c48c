import Glibc
import SluiceCore
import SluiceDelivery
import Synchronization

/// A log, a state, and an upstream that a test can make refuse, fail, or wait.
final class ReplayBench: Sendable {
    private struct Mood {
        var status = 200
        /// Requests that may be answered; the others wait.
        var permits = Int.max
        var arrived: [[String]] = []
    }

    let log = MemoryLog()
    let state = MemoryState()
    let troubles = TroubleList()
    private let mood: Box
    let upstream: TestUpstream

    private final class Box: Sendable {
        let content = Mutex(Mood())
        let isClosed = Atomic<Bool>(false)
    }

    init() {
        let mood = Box()
        self.mood = mood
        upstream = TestUpstream { request in
            let number = mood.content.withLock { content in
                content.arrived.append(request.ids)
                return content.arrived.count
            }
            while !mood.isClosed.load(ordering: .relaxed), mood.content.withLock({ $0.permits }) < number {
                usleep(1000)
            }
            let status = mood.content.withLock { $0.status }
            return .answer(status, body: status == 200 ? "" : "no, \(status)")
        }
    }

    func close() {
        mood.isClosed.store(true, ordering: .relaxed)
        upstream.close()
    }

    /// What every request is answered from now on.
    func answer(_ status: Int) { mood.content.withLock { $0.status = status } }
    /// Requests, counted from the first, that are answered; the others wait.
    func permit(_ requests: Int) { mood.content.withLock { $0.permits = requests } }
    /// The ids of each request in the order they came.
    var arrived: [[String]] { mood.content.withLock { $0.arrived } }
    /// Those of all requests but the first so many.
    func ids(from request: Int) -> [String] { arrived[request...].flatMap(\.self) }
    var arrivedIDs: [String] { arrived.flatMap(\.self) }

    func configuration(
        _ name: String = "d", _ change: (inout DestinationConfiguration) -> Void = { _ in }
    ) -> DestinationConfiguration {
        destination("http://127.0.0.1:\(upstream.port)", name: name, change)
    }

    func start(
        _ configurations: [DestinationConfiguration]? = nil, only: Int64? = nil,
        open: ((ReplayJob) throws(DeliveryStateError) -> any BlockSource)? = nil
    ) throws -> EngineBench {
        let log = log
        return try EngineBench(
            (configurations ?? [configuration()]).map { ($0, IDEncoder()) }, log: log, state: state,
            replays: ReplayParts(store: state, only: only, open: open ?? { _ in log }), troubles: troubles)
    }

    /// All blocks so far, up to where the destination stands.
    func job(
        _ name: String = "d", _ change: (inout ReplaySpec) -> Void = { _ in }
    ) -> ReplayJob {
        var spec = ReplaySpec(destination: name, received: 0..<Int64.max)
        change(&spec)
        return ReplayJob(
            spec: spec, blocks: 1..<log.head.nextBlock,
            end: state.saved(name)?.position ?? EventSequence(block: .max, index: 0),
            total: ReplayTotal(), createdMilliseconds: 1)
    }

    func counts(_ name: String = "d") -> OutcomeCounts { state.saved(name)?.counts ?? OutcomeCounts() }
}
