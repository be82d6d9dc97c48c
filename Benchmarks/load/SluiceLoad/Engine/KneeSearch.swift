/// Which rates to try, one after the other, and where they stop holding.
///
/// A step holds when its rate was kept to 95 %, without errors, and p99 within the bound. Given steps are tried
/// in their order, to the first that fails when the knee is sought. Without them the rate rises by half from
/// step to step until one fails; the gap to the last that held is then halved four times.
package struct KneeSearch: Sendable {
    package static let achievedLeast = 0.95
    private static let growth = 1.5
    private static let halvingsMax = 4
    private static let stepsMax = 40

    package let p99BoundMilliseconds: Double
    /// The highest rate that held, as it was achieved.
    package private(set) var held: Double?
    /// The lowest that did not.
    package private(set) var failedAt: Double?
    package private(set) var reason: String?
    private var steps: [Double]?
    private let stopsAtFailure: Bool
    private var heldRate: Double?
    private var rate: Double
    private var halvings = 0
    private var taken = 0

    /// Tries these rates.
    package init(steps: [Double], stopsAtFailure: Bool, p99BoundMilliseconds: Double) {
        self.steps = steps
        self.stopsAtFailure = stopsAtFailure
        self.p99BoundMilliseconds = p99BoundMilliseconds
        rate = 0
    }

    /// Tries this rate and goes on from there.
    package init(from rate: Double, p99BoundMilliseconds: Double) {
        self.rate = rate
        stopsAtFailure = true
        self.p99BoundMilliseconds = p99BoundMilliseconds
    }

    /// The next rate to try; nil when there is nothing left to learn.
    package var next: Double? {
        guard taken < Self.stepsMax else { return nil }
        if let steps {
            if stopsAtFailure, failedAt != nil { return nil }
            return taken < steps.count ? steps[taken] : nil
        }
        guard let failedAt else { return rate }
        guard let heldRate else {
            // Even the first was too much: further down.
            return halvings < Self.halvingsMax ? failedAt / 2 : nil
        }
        return halvings < Self.halvingsMax ? (heldRate + failedAt) / 2 : nil
    }

    /// Requests a second by which Poisson arrivals may fall short of their rate: three standard deviations.
    package static func noise(rate: Double, seconds: Double) -> Double {
        seconds > 0 ? 3 * (rate / seconds).squareRoot() : 0
    }

    /// What gave way at a rate; nil when it held.
    ///
    /// - Parameter noise: by how much chance alone may change the rate; see ``noise(rate:seconds:)``.
    package func failure(
        asked: Double, achieved: Double, p99Milliseconds: Double, errors: Int, noise: Double = 0
    ) -> String? {
        if errors > 0 { return "\(errors) error\(errors == 1 ? "" : "s")" }
        if achieved < Self.achievedLeast * asked - noise {
            return "only \(Int((achieved / asked * 100).rounded(.down))) % of the rate was achieved"
        }
        if p99Milliseconds > p99BoundMilliseconds {
            return
                "p99 \(TextFigures.milliseconds(p99Milliseconds)) is beyond \(TextFigures.milliseconds(p99BoundMilliseconds))"
        }
        return nil
    }

    /// What `next` came to. Returns what gave way.
    @discardableResult
    package mutating func report(
        asked: Double, achieved: Double, p99Milliseconds: Double, errors: Int, noise: Double = 0
    ) -> String? {
        taken += 1
        let failure = failure(
            asked: asked, achieved: achieved, p99Milliseconds: p99Milliseconds, errors: errors, noise: noise)
        let isSearching = steps == nil && failedAt != nil
        if isSearching { halvings += 1 }
        if let failure {
            if failedAt.map({ asked < $0 }) ?? true {
                failedAt = asked
                reason = failure
            }
        } else {
            if heldRate.map({ asked > $0 }) ?? true {
                heldRate = asked
                held = achieved
            }
            if failedAt == nil { rate = asked * Self.growth }
        }
        return failure
    }
}
