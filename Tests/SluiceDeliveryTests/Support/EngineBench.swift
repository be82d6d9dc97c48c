import Glibc
import SluiceCore
import SluiceDelivery
import SluiceIO
import Synchronization

/// An engine on its own thread over a log and a state in memory.
final class EngineBench: Sendable {
    let engine: DeliveryEngine
    private let thread: JoinableThread
    private let stopped = Atomic<Bool>(false)

    init(
        _ destinations: [(DestinationConfiguration, any PlatformEncoder)], log: MemoryLog, state: MemoryState,
        replays: ReplayParts? = nil, troubles: TroubleList = TroubleList(),
        _ change: (inout DeliveryOptions) -> Void = { _ in }
    ) throws {
        var options = DeliveryOptions()
        options.saveIntervalMilliseconds = 5
        options.saveRetryMilliseconds = 20
        options.retryPolicy.baseMilliseconds = 5
        options.retryPolicy.capMilliseconds = 50
        options.userAgent = "Sluice/test"
        options.seed = 42
        change(&options)
        let engine = try DeliveryEngine(
            destinations: destinations, blocks: log, state: state, options: options, replays: replays
        ) { kind, destination, message in
            troubles.add("\(kind)", destination, message)
        }
        self.engine = engine
        thread = startThread(name: "delivery") { engine.run() }
    }

    func append(_ log: MemoryLog, _ lines: [String]) {
        log.append(lines)
        engine.waker.wake()
    }

    /// Has a replay made or changed, and waits for the answer.
    func order(_ command: ReplayCommand) -> Result<ReplayJob, ReplayRefusal> {
        let answer = Answer()
        engine.replay(command) { answer.give($0) }
        _ = eventually { answer.value != nil }
        return answer.value ?? .failure(.unavailable("no answer"))
    }

    private final class Answer: Sendable {
        private let content = Mutex<Result<ReplayJob, ReplayRefusal>?>(nil)
        var value: Result<ReplayJob, ReplayRefusal>? { content.withLock { $0 } }
        func give(_ result: Result<ReplayJob, ReplayRefusal>) { content.withLock { $0 = result } }
    }

    func replay(_ id: Int64) -> ReplayJob? { engine.replays().first { $0.id == id } }

    func status(_ index: Int = 0) -> DestinationStatus { engine.statuses()[index] }

    /// Stops and waits for the thread. Call exactly once.
    func stop(deadlineMilliseconds: Int = 10_000) {
        guard !stopped.exchange(true, ordering: .relaxed) else { return }
        engine.requestStop(deadlineMilliseconds: deadlineMilliseconds)
        thread.join()
    }
}

final class TroubleList: Sendable {
    struct Entry: Sendable {
        var kind: String
        var destination: String
        var message: String
    }
    private let list = Mutex<[Entry]>([])

    func add(_ kind: String, _ destination: String, _ message: String) {
        list.withLock { $0.append(Entry(kind: kind, destination: destination, message: message)) }
    }

    var entries: [Entry] { list.withLock { $0 } }
    func has(_ kind: StaticString) -> Bool { entries.contains { $0.kind == "\(kind)" } }
}

/// Waits until something holds. False after a minute: far longer than anything here takes, so that
/// only a hang can make it so.
func eventually(_ condition: () -> Bool) -> Bool {
    let end = MonotonicClock.nowMilliseconds + 60_000
    while MonotonicClock.nowMilliseconds < end {
        if condition() { return true }
        usleep(2000)
    }
    return condition()
}

func destination(
    _ url: String, name: String = "d", _ change: (inout DestinationConfiguration) -> Void = { _ in }
)
    -> DestinationConfiguration
{
    var configuration = DestinationConfiguration(name: name, platform: .webhook, url: url)
    configuration.start = .earliest
    configuration.batch = 10
    change(&configuration)
    return configuration
}
