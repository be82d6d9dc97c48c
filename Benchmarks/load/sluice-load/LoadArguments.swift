import ArgumentParser
import SluiceLoad

/// A length of time: `10s`, `500ms`, `2m`, `1h`, or seconds without a unit.
struct TimeSpan: ExpressibleByArgument {
    var seconds: Double

    init(seconds: Double) { self.seconds = seconds }

    init?(argument: String) {
        let units: [(String, Double)] = [("ms", 0.001), ("us", 1e-6), ("s", 1), ("m", 60), ("h", 3600), ("", 1)]
        for (unit, factor) in units where argument.hasSuffix(unit) {
            guard let value = Double(argument.dropLast(unit.count)), value >= 0, value.isFinite else { return nil }
            seconds = value * factor
            return
        }
        return nil
    }

    var defaultValueDescription: String { seconds >= 1 ? "\(Int(seconds))s" : "\(Int(seconds * 1000))ms" }
}

extension Arrival: ExpressibleByArgument {}

/// How much, and when.
struct LoadArguments: ParsableArguments {
    @Option(help: "Connections, over all threads.")
    var connections = 64

    @Option(help: "Requests under way at once on one connection, at most.")
    var pipeline = 1

    @Option(help: "Threads of the generator, each with its share of the connections.")
    var threads = 1

    @Option(help: "Requests a second (open loop). Without it: closed loop.")
    var rate: Double?

    @Option(help: "How requests follow each other in an open loop: poisson or constant.")
    var arrival = Arrival.poisson

    @Option(help: ArgumentHelp("What is measured, as 10s, 500ms or 2m.", valueName: "time"))
    var duration = TimeSpan(seconds: 10)

    @Option(help: ArgumentHelp("What comes before it and is not measured; before each step, too.", valueName: "time"))
    var warmUp = TimeSpan(seconds: 1)

    @Option(help: ArgumentHelp("A request without an answer for so long has failed.", valueName: "time"))
    var timeout = TimeSpan(seconds: 10)

    @Option(help: "Requests under way at once over all connections, at most.")
    var maxOutstanding: Int?

    @Option(
        help: ArgumentHelp(
            "From one rate to another over the duration, as 1000:20000.", valueName: "from:to"))
    var ramp: String?

    @Option(
        help: ArgumentHelp(
            "Rates one after the other: 1000,2000,5000, or 1000:10000:10 for ten from 1000 to 10000.",
            valueName: "rates"))
    var steps: String?

    @Option(help: ArgumentHelp("How long a step is measured.", valueName: "time"))
    var stepSeconds = TimeSpan(seconds: 10)

    @Flag(
        help:
            "Raise the rate, from --rate (default 1000) or along --steps, until it does not hold: name the knee.")
    var findKnee = false

    @Option(help: ArgumentHelp("A step whose p99 is beyond it does not hold.", valueName: "time"))
    var p99Max = TimeSpan(seconds: 0.1)

    @Option(help: ArgumentHelp("The one status that is right; without it any from 200 to 299.", valueName: "status"))
    var expect: Int?

    func plan() throws -> LoadPlan {
        var plan = LoadPlan()
        plan.connections = connections
        plan.pipeline = pipeline
        plan.threads = threads
        plan.arrival = arrival
        plan.seconds = duration.seconds
        plan.warmUpSeconds = warmUp.seconds
        plan.timeoutSeconds = timeout.seconds
        plan.outstandingMax = maxOutstanding
        plan.expected = ExpectedStatus(expect)
        if let expect, !(200...599).contains(expect) { throw ValidationError("--expect must be from 200 to 599") }
        if let rate { plan.rate = .fixed(rate) }
        if let ramp {
            guard rate == nil, steps == nil, !findKnee else {
                throw ValidationError("--ramp goes without --rate, --steps and --find-knee")
            }
            plan.rate = try Self.ramp(ramp)
        }
        if let problem = plan.problem { throw ValidationError(problem) }
        return plan
    }

    /// The rates to try; nil where there is just one.
    func search() throws -> KneeSearch? {
        guard stepSeconds.seconds >= 0.1, stepSeconds.seconds <= 86_400 else {
            throw ValidationError("--step-seconds must be from 100ms to a day")
        }
        if let steps {
            return KneeSearch(
                steps: try Self.rates(steps), stopsAtFailure: findKnee, p99BoundMilliseconds: p99Max.seconds * 1000)
        }
        return findKnee ? KneeSearch(from: rate ?? 1000, p99BoundMilliseconds: p99Max.seconds * 1000) : nil
    }

    private static func ramp(_ text: String) throws -> LoadRate {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { Double($0) }
        guard parts.count == 2, let from = parts[0], let to = parts[1] else {
            throw ValidationError("--ramp must be two rates, as 1000:20000")
        }
        return .ramp(from: from, to: to)
    }

    private static func rates(_ text: String) throws -> [Double] {
        let rates: [Double]
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).compactMap { Double($0) }
        if text.contains(":") {
            guard parts.count == 3, let count = Int(exactly: parts[2]), (2...1000).contains(count) else {
                throw ValidationError("--steps must be rates, as 1000,2000, or from:to:count")
            }
            rates = (0..<count).map { parts[0] + (parts[1] - parts[0]) * Double($0) / Double(count - 1) }
        } else {
            rates = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) ?? .nan }
        }
        guard !rates.isEmpty, rates.allSatisfy({ $0 >= 0.01 && $0 <= 10_000_000 }) else {
            throw ValidationError("--steps: a rate must be from 0.01 to 10000000 requests a second")
        }
        return rates
    }
}
