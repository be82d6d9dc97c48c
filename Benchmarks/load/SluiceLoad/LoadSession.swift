import Foundation
import SluiceCore
import SluiceIO

/// What a whole run is made of.
package struct LoadOrder: Sendable {
    package var url: TargetURL
    /// As written, for the report.
    package var urlText: String
    package var plan = LoadPlan()
    package var traffic = TrafficSettings()
    /// Several rates instead of the plan's one.
    package var steps: KneeSearch?
    /// Whether the knee is named, or the steps are just taken.
    package var findsKnee = false
    package var stepSeconds = 10.0
    /// The data folder to verify afterwards.
    package var dataFolder: String?
    package var seed: UInt64

    package init(url: TargetURL, urlText: String, seed: UInt64) {
        self.url = url
        self.urlText = urlText
        self.seed = seed
    }
}

/// Why a run could not take place.
package enum LoadError: Error, CustomStringConvertible {
    case badPlan(String)
    case traffic(TrafficError)
    case unknownHost(String)
    case cannotConnect(String, SystemError)
    case system(SystemError)
    case log(String)

    /// A stable label.
    package var label: String {
        switch self {
        case .badPlan: "bad_plan"
        case .traffic(let error): error.label
        case .unknownHost: "unknown_host"
        case .cannotConnect: "cannot_connect"
        case .system: "system"
        case .log: "log"
        }
    }

    package var description: String {
        switch self {
        case .badPlan(let problem): problem
        case .traffic(let error): "\(error)"
        case .unknownHost(let reason): reason
        case .cannotConnect(let address, let error): "cannot connect to \(address): \(error)"
        case .system(let error): "\(error)"
        case .log(let reason): "the log cannot be verified: \(reason)"
        }
    }
}

/// One run from the first connection to the report.
///
/// Owner: one thread, which waits for signals where it would sleep.
package final class LoadSession {
    private let order: LoadOrder
    private let run: RunID
    private let traffic: LoadTraffic
    private let address: PeerAddress
    private let isInterrupted: (_ milliseconds: Int) -> Bool
    private let onProgress: (LoadProgress) -> Void
    private var ledgers: [AcknowledgedRequests]
    private var interrupted = false

    /// - Parameters:
    ///   - isInterrupted: sleeps so long, and says whether the run shall end.
    ///   - onProgress: called for each second that is over.
    package init(
        _ order: LoadOrder, isInterrupted: @escaping (_ milliseconds: Int) -> Bool,
        onProgress: @escaping (LoadProgress) -> Void
    ) throws(LoadError) {
        self.order = order
        self.isInterrupted = isInterrupted
        self.onProgress = onProgress
        if let problem = order.plan.problem { throw .badPlan(problem) }
        var random = SplitMix64(seed: order.seed)
        run = RunID(using: &random)
        do throws(TrafficError) {
            traffic = try LoadTraffic(order.traffic, target: order.url, run: run, seed: random.next())
        } catch {
            throw .traffic(error)
        }
        do throws(ListenError) {
            address = try ListenAddress(host: order.url.host, port: order.url.port).resolve()[0]
        } catch {
            throw .unknownHost("\(error)")
        }
        ledgers = (0..<order.plan.threads).map { _ in
            AcknowledgedRequests(eventsPerRequest: order.traffic.events, keeps: order.dataFolder != nil)
        }
    }

    /// Runs to the end, or until it is interrupted.
    package func report() throws(LoadError) -> LoadReport {
        // A port where nobody listens is found before anything is measured.
        do throws(SystemError) {
            try ClientSocket.connect(address).close()
        } catch {
            throw .cannotConnect(order.url.authority, error)
        }
        let startedAt = WallClock.nowMilliseconds
        var results: [StretchResult] = []
        var steps: [LoadReport.Step]?
        var search = order.steps
        if search != nil {
            steps = []
            while !interrupted, let rate = search?.next {
                var plan = order.plan
                plan.rate = .fixed(rate)
                plan.seconds = order.stepSeconds
                let result = try stretch(plan, number: results.count)
                results.append(result)
                guard !interrupted else { break }
                let latency = result.latency
                let noise = plan.arrival == .poisson ? KneeSearch.noise(rate: rate, seconds: result.seconds) : 0
                let failed = search?.report(
                    asked: rate, achieved: result.requestsPerSecond,
                    p99Milliseconds: latency.milliseconds(atPercentile: 99), errors: result.figures.errors,
                    noise: noise)
                steps?.append(
                    LoadReport.Step(
                        rate: rounded(rate), achieved: rounded(result.requestsPerSecond),
                        p50: rounded(latency.milliseconds(atPercentile: 50)),
                        p99: rounded(latency.milliseconds(atPercentile: 99)), errors: result.figures.errors,
                        unsent: result.figures.unsent, failed: failed))
            }
        } else {
            results.append(try stretch(order.plan, number: 0))
        }
        var started = ByteBuffer(capacity: 32)
        started.appendTimestamp(startedAt)
        var report = LoadReport(
            results, url: order.urlText, settings: order.traffic, startedAt: started.bytes.string,
            interrupted: interrupted)
        report.steps = steps
        if order.findsKnee, let search {
            report.knee = LoadReport.Knee(
                requestsPerSecond: search.held.map(rounded), failedAt: search.failedAt.map(rounded),
                reason: search.reason, p99Bound: search.p99BoundMilliseconds)
        }
        if let folder = order.dataFolder { report.verification = try verify(folder, since: startedAt) }
        return report
    }

    private func stretch(_ plan: LoadPlan, number: Int) throws(LoadError) -> StretchResult {
        let stretch: LoadStretch
        do throws(SystemError) {
            stretch = try LoadStretch(
                plan, address: address, traffic: traffic, ledgers: ledgers, seed: order.seed &+ UInt64(number) &* 7919)
        } catch {
            throw .system(error)
        }
        var told = 0
        while !stretch.beginWhenReady() {
            if isInterrupted(2) {
                interrupted = true
                stretch.stop()
                break
            }
        }
        while !stretch.isOver {
            let left = plan.seconds - stretch.elapsedSeconds
            if isInterrupted(max(1, min(100, Int(left * 1000)))) {
                interrupted = true
                stretch.stop()
            }
            for second in stretch.seconds(from: told) {
                told = second.second + 1
                onProgress(LoadProgress(second: second, rate: plan.rate, of: plan.seconds))
            }
        }
        let (result, ledgers) = stretch.wait()
        self.ledgers = ledgers
        return result
    }

    /// What was acknowledged before it was committed may take a moment to be in the log.
    private func verify(_ folder: String, since: Int64) throws(LoadError) -> LogVerification {
        var attempts = 0
        while true {
            let verification: LogVerification
            do {
                verification = try LogVerification(
                    folder: folder, run: run, ledgers: ledgers, sinceMilliseconds: since)
            } catch {
                throw .log("\(error)")
            }
            attempts += 1
            if verification.missing == 0 || attempts == 3 { return verification }
            _ = isInterrupted(1000)
        }
    }
}

/// A second that is over.
package struct LoadProgress: Sendable {
    package var second: LoadSecond
    package var rate: LoadRate
    /// Planned seconds.
    package var of: Double

    package init(second: LoadSecond, rate: LoadRate, of: Double) {
        self.second = second
        self.rate = rate
        self.of = of
    }

    /// One line without its end.
    package var text: String {
        let asked = rate.mean.map { " of \(TextFigures.rate($0)) asked" } ?? ""
        let errors = second.errors > 0 ? "  errors \(TextFigures.count(second.errors))" : ""
        return "\(second.second + 1)/\(TextFigures.seconds(of))  \(TextFigures.count(second.requests)) requests\(asked)"
            + "  p50 \(TextFigures.milliseconds(second.p50Milliseconds))"
            + "  p99 \(TextFigures.milliseconds(second.p99Milliseconds))"
            + "  max \(TextFigures.milliseconds(second.maxMilliseconds))\(errors)"
    }
}
