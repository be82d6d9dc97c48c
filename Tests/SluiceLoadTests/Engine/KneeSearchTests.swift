import SluiceLoad
import Testing

@Suite struct KneeSearchTests {
    /// Tries rates on a server that answers `capacity` requests a second at most.
    private func run(_ search: KneeSearch, capacity: Double) -> (search: KneeSearch, rates: [Double]) {
        var search = search
        var rates: [Double] = []
        while let rate = search.next, rates.count < 100 {
            rates.append(rate)
            search.report(
                asked: rate, achieved: min(rate, capacity), p99Milliseconds: rate < capacity ? 5 : 500, errors: 0)
        }
        return (search, rates)
    }

    @Test(arguments: [1200.0, 8000, 300, 123_456])
    func `the knee is found to a few percent`(capacity: Double) throws {
        let (search, rates) = run(KneeSearch(from: 1000, p99BoundMilliseconds: 100), capacity: capacity)
        let held = try #require(search.held)
        let failedAt = try #require(search.failedAt)
        #expect(held <= capacity && failedAt >= capacity)
        #expect(capacity < 1000 || failedAt / held < 1.05)
        #expect(rates.count < 30)
    }

    @Test func `a server that holds nothing ends the search`() {
        let (search, rates) = run(KneeSearch(from: 1000, p99BoundMilliseconds: 100), capacity: 1)
        #expect(search.held == nil && search.failedAt != nil && rates.count < 10)
    }

    @Test func `given steps are taken in their order, to the first that fails`() {
        let steps = [100.0, 200, 300, 400]
        let searching = run(KneeSearch(steps: steps, stopsAtFailure: true, p99BoundMilliseconds: 100), capacity: 250)
        #expect(searching.rates == [100, 200, 300])
        #expect(searching.search.held == 200 && searching.search.failedAt == 300)
        let all = run(KneeSearch(steps: steps, stopsAtFailure: false, p99BoundMilliseconds: 100), capacity: 250)
        #expect(all.rates == steps)
    }

    @Test func `a step fails for its rate, its latency, or an error`() {
        let search = KneeSearch(from: 1000, p99BoundMilliseconds: 100)
        #expect(search.failure(asked: 1000, achieved: 951, p99Milliseconds: 100, errors: 0) == nil)
        #expect(search.failure(asked: 1000, achieved: 949, p99Milliseconds: 1, errors: 0)?.contains("94 %") == true)
        #expect(search.failure(asked: 1000, achieved: 1000, p99Milliseconds: 101, errors: 0)?.contains("p99") == true)
        #expect(search.failure(asked: 1000, achieved: 1000, p99Milliseconds: 1, errors: 1) == "1 error")
    }

    @Test func `chance is not taken for a server that gives way`() {
        let search = KneeSearch(from: 20, p99BoundMilliseconds: 100)
        let noise = KneeSearch.noise(rate: 20, seconds: 2)
        #expect((9...10).contains(noise))
        #expect(search.failure(asked: 20, achieved: 12, p99Milliseconds: 1, errors: 0, noise: noise) == nil)
        #expect(search.failure(asked: 20, achieved: 9, p99Milliseconds: 1, errors: 0, noise: noise) != nil)
    }
}
