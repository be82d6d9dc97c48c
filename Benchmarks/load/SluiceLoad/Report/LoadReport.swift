import Foundation

/// Everything a run came to, as its JSON has it. Latencies in milliseconds.
package struct LoadReport: Codable, Sendable {
    package struct Percentiles: Codable, Sendable, Equatable {
        package var p50: Double
        package var p90: Double
        package var p99: Double
        package var p999: Double
        package var p9999: Double
        package var max: Double
        package var mean: Double

        enum CodingKeys: String, CodingKey {
            case p50, p90, p99, max, mean
            case p999 = "p99.9"
            case p9999 = "p99.99"
        }

        package init(_ latency: Latency) {
            p50 = rounded(latency.milliseconds(atPercentile: 50))
            p90 = rounded(latency.milliseconds(atPercentile: 90))
            p99 = rounded(latency.milliseconds(atPercentile: 99))
            p999 = rounded(latency.milliseconds(atPercentile: 99.9))
            p9999 = rounded(latency.milliseconds(atPercentile: 99.99))
            max = rounded(latency.maxMilliseconds)
            mean = rounded(latency.meanMilliseconds)
        }
    }

    package struct Interval: Codable, Sendable, Equatable {
        package var second: Int
        package var requests: Int
        package var errors: Int
        package var p50: Double
        package var p99: Double
        package var max: Double

        enum CodingKeys: String, CodingKey {
            case second, requests, errors
            case p50 = "p50_ms"
            case p99 = "p99_ms"
            case max = "max_ms"
        }
    }

    /// One step of several rates.
    package struct Step: Codable, Sendable, Equatable {
        package var rate: Double
        package var achieved: Double
        package var p50: Double
        package var p99: Double
        package var errors: Int
        package var unsent: Int
        /// Nil when the step held; else what gave way.
        package var failed: String?

        enum CodingKeys: String, CodingKey {
            case errors, unsent, failed
            case rate = "requests_per_second_asked"
            case achieved = "requests_per_second"
            case p50 = "p50_ms"
            case p99 = "p99_ms"
        }
    }

    package struct Knee: Codable, Sendable, Equatable {
        /// The highest rate that held; nil when none did.
        package var requestsPerSecond: Double?
        /// The lowest that did not; nil when all did.
        package var failedAt: Double?
        package var reason: String?
        package var p99Bound: Double

        enum CodingKeys: String, CodingKey {
            case reason
            case requestsPerSecond = "requests_per_second"
            case failedAt = "failed_at_requests_per_second"
            case p99Bound = "p99_bound_ms"
        }
    }

    /// One point of the distribution.
    package struct Point: Codable, Sendable, Equatable {
        package var percentile: Double
        package var corrected: Double
        package var uncorrected: Double

        enum CodingKeys: String, CodingKey {
            case percentile
            case corrected = "corrected_ms"
            case uncorrected = "uncorrected_ms"
        }
    }

    /// CPU the generator itself used, by the kernel's accounting.
    package struct Generator: Codable, Sendable, Equatable {
        package var threads: Int
        package var userMicrosecondsPerRequest: Double
        package var systemMicrosecondsPerRequest: Double
        /// Of the CPUs its threads could have used, from 0 to 1.
        package var busy: Double

        enum CodingKeys: String, CodingKey {
            case threads, busy
            case userMicrosecondsPerRequest = "user_us_per_request"
            case systemMicrosecondsPerRequest = "system_us_per_request"
        }
    }

    package var url: String
    package var platform: String
    /// `closed`, `poisson` or `constant`.
    package var loop: String
    package var connections: Int
    package var pipeline: Int
    package var eventsPerRequest: Int
    /// Asked for; nil in a closed loop.
    package var rate: Double?
    package var startedAt: String
    package var seconds: Double
    package var requests: Int
    package var events: Int
    package var requestsPerSecond: Double
    package var eventsPerSecond: Double
    package var errors: Int
    /// By kind; those that did not happen are left out.
    package var errorsByKind: [String: Int]
    package var unsent: Int
    package var reconnects: Int
    package var statuses: [String: Int]
    package var latency: Percentiles
    package var uncorrected: Percentiles
    package var distribution: [Point]
    package var intervals: [Interval]
    package var steps: [Step]?
    package var knee: Knee?
    package var verification: LogVerification?
    package var generator: Generator
    /// Whether it was ended before its time.
    package var interrupted: Bool

    enum CodingKeys: String, CodingKey {
        case url, platform, loop, connections, pipeline, rate, seconds, requests, events, errors, unsent, reconnects
        case statuses, distribution, intervals, steps, knee, verification, generator, interrupted
        case eventsPerRequest = "events_per_request"
        case startedAt = "started_at"
        case requestsPerSecond = "requests_per_second"
        case eventsPerSecond = "events_per_second"
        case errorsByKind = "errors_by_kind"
        case latency = "latency_ms"
        case uncorrected = "latency_uncorrected_ms"
    }

    static let percentiles = [
        0, 10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 92.5, 95, 97.5, 98, 99, 99.5, 99.8, 99.9, 99.95, 99.98, 99.99,
        99.995, 99.999, 100,
    ]

    /// Puts the stretches of one run together.
    package init(
        _ results: [StretchResult], url: String, settings: TrafficSettings, startedAt: String, interrupted: Bool
    ) {
        precondition(!results.isEmpty)
        let plan = results[0].plan
        var figures = LoadFigures()
        var latency = Latency()
        var uncorrected = Latency()
        var cpu = (user: 0.0, system: 0.0)
        var wall = 0.0
        intervals = []
        seconds = 0
        var offset = 0
        for result in results {
            figures.add(result.figures)
            latency.add(result.latency)
            uncorrected.add(result.uncorrectedLatency)
            cpu.user += result.userCPU
            cpu.system += result.systemCPU
            wall += result.seconds + result.plan.warmUpSeconds
            seconds += result.seconds
            intervals += result.timeline.map { second in
                Interval(
                    second: offset + second.second, requests: second.requests, errors: second.errors,
                    p50: rounded(second.p50Milliseconds), p99: rounded(second.p99Milliseconds),
                    max: rounded(second.maxMilliseconds))
            }
            offset += Int(result.seconds.rounded(.up))
        }
        self.url = url
        platform = settings.body == nil ? settings.platform.rawValue : "body"
        loop = plan.rate.isOpenLoop ? plan.arrival.rawValue : "closed"
        connections = plan.connections
        pipeline = plan.pipeline
        eventsPerRequest = settings.events
        rate = results.count == 1 ? plan.rate.mean : nil
        self.startedAt = startedAt
        requests = figures.requests
        events = figures.events
        requestsPerSecond = rounded(seconds > 0 ? Double(figures.requestsInTime) / seconds : 0)
        eventsPerSecond = rounded(seconds > 0 ? Double(figures.eventsInTime) / seconds : 0)
        seconds = rounded(seconds)
        errors = figures.errors
        errorsByKind = [:]
        for kind in LoadFailure.allCases where figures.failures[kind.rawValue] > 0 {
            errorsByKind[kind.label] = figures.failures[kind.rawValue]
        }
        unsent = figures.unsent
        reconnects = figures.reconnects
        statuses = [:]
        for (status, count) in figures.statuses.enumerated() where count > 0 { statuses["\(status)"] = count }
        self.latency = Percentiles(latency)
        self.uncorrected = Percentiles(uncorrected)
        distribution = Self.percentiles.map { percentile in
            Point(
                percentile: percentile, corrected: rounded(latency.milliseconds(atPercentile: percentile)),
                uncorrected: rounded(uncorrected.milliseconds(atPercentile: percentile)))
        }
        let sent = Double(max(1, figures.sent))
        generator = Generator(
            threads: plan.threads, userMicrosecondsPerRequest: rounded(cpu.user / sent * 1e6),
            systemMicrosecondsPerRequest: rounded(cpu.system / sent * 1e6),
            busy: rounded(wall > 0 ? min(1, (cpu.user + cpu.system) / wall / Double(plan.threads)) : 0))
        self.interrupted = interrupted
    }

    /// Whether every request was answered as expected, every due request was sent, and no acknowledged event
    /// is missing. Of several steps one must hold: finding where they fail is what they are for.
    package var isGood: Bool {
        let loadIsGood =
            steps.map { $0.contains { $0.failed == nil } } ?? (errors == 0 && unsent == 0 && requests > 0)
        return loadIsGood && verification?.isGood ?? true
    }

    /// As one JSON object.
    package var json: Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        // Every value is finite, so that nothing can fail.
        return (try? encoder.encode(self)) ?? Data()
    }
}

/// To four places, so that a report reads well.
func rounded(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }
