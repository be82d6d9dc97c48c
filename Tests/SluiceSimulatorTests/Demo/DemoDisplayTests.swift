import SluiceSimulator
import Testing

@Suite struct DemoDisplayTests {
    @Test func `one line says how it goes`() {
        let figures = DemoFigures(
            phase: "running", seconds: 12.34, received: 1_234_567, committed: 999,
            destinations: [
                DestinationFigures(
                    name: "topsort", platform: "topsort", accepted: 0, delivered: 1000, rejected: 0,
                    parked: 0, expired: 0, filtered: 0, pending: 0, lagSeconds: 0.26, breaker: "",
                    lastError: nil)
            ], p50Microseconds: 850, p99Microseconds: 12_340)
        #expect(
            figures.line
                == "running 12.3 s | received 1,234,567 | committed 999 | delivered topsort 1,000 "
                + "| lag 0.3 s | p50 850 us p99 12.3 ms")
        #expect(figures.line(columns: 200) == figures.line)
        #expect(
            figures.line(columns: 79)
                == "12 s in 1.2M log 999 topsort 1000 lag 0.3s p50 850us p99 12.3ms")
        #expect(figures.line(columns: 20) == "12 s in 1.2M log 999")
    }
}
