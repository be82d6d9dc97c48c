import SluiceSimulator
import Testing

/// The promise: what was acknowledged survives everything.
@Suite(.serialized) struct CrashTests {
    /// Checks the log and both destinations against what the senders were promised.
    private func account(_ gateway: TestGateway, _ traffic: Traffic) throws {
        let figures = try gateway.settled(events: traffic.totals.acknowledged)
        let books = Books(
            figures: figures, totals: traffic.totals, ledger: traffic.ledger,
            parties: gateway.cast.parties)
        #expect(books.problems == [])
        #expect(traffic.totals.acknowledged > 0)
        #expect(gateway.stop() == .exited(code: 0))
        let counts = try LogOnDisk.ids(dataFolder: gateway.data)
        let wrong = traffic.ledger.events.filter { counts["\($0.id)"] != 1 }
        #expect(wrong.isEmpty, "not exactly once in the log: \(wrong.prefix(3))")
    }

    @Test(.timeLimit(.minutes(2)))
    func `kill -9 under load while both upstreams fail loses nothing`() throws {
        let gateway = try TestGateway()
        for server in [gateway.cast.topsort, gateway.cast.warehouse] {
            server.standIn.faults.play([FaultStep(.status(503))])
        }
        let traffic = gateway.traffic(seed: 0xC0FFEE)
        traffic.start()
        try eventually("some events are acknowledged") { traffic.totals.acknowledged > 300 }
        try gateway.crash()
        try eventually("the traffic notices") { traffic.totals.errorCount > 0 }
        try gateway.restart()
        traffic.redirect(to: gateway.address)
        let before = traffic.totals.acknowledged
        try eventually("traffic goes on") { traffic.totals.acknowledged > before + 300 }
        traffic.stop()
        traffic.wait()
        #expect(gateway.cast.topsort.standIn.ledger.totals.faults > 0)
        for server in [gateway.cast.topsort, gateway.cast.warehouse] { server.standIn.faults.clear() }
        try account(gateway, traffic)
    }

    @Test(.timeLimit(.minutes(2)))
    func `several crashes while delivery is under way lose nothing`() throws {
        let gateway = try TestGateway()
        // Slow, and now and then without an answer to what was taken.
        for server in [gateway.cast.topsort, gateway.cast.warehouse] {
            server.standIn.faults.play([
                FaultStep(.takeAndReset, latencyMilliseconds: 20, share: 0.2)
            ])
        }
        let traffic = gateway.traffic(seed: 0xBEEF, eventsPerSecond: 1500)
        traffic.start()
        for _ in 0..<3 {
            let before = traffic.totals.acknowledged
            try eventually("events are acknowledged") { traffic.totals.acknowledged > before + 400 }
            try gateway.crash()
            try gateway.restart()
            traffic.redirect(to: gateway.address)
        }
        let before = traffic.totals.acknowledged
        try eventually("a fresh event passes") { traffic.totals.acknowledged > before }
        traffic.stop()
        traffic.wait()
        for server in [gateway.cast.topsort, gateway.cast.warehouse] { server.standIn.faults.clear() }
        try account(gateway, traffic)
    }

    @Test(.timeLimit(.minutes(1)))
    func `SIGTERM under load answers what is in flight and ends with 0`() throws {
        let gateway = try TestGateway()
        let traffic = gateway.traffic(seed: 0xD0E, mix: .valid)
        traffic.start()
        try eventually("some events are acknowledged") { traffic.totals.acknowledged > 300 }
        #expect(gateway.stop() == .exited(code: 0))
        traffic.stop()
        traffic.wait()
        // Requests without an answer, whose connections were cut, may be in the log or not; all others must.
        try gateway.restart()
        try account(gateway, traffic)
    }

    @Test(.timeLimit(.minutes(1)))
    func `the gateway ends with the process that holds its standard input`() throws {
        let gateway = try TestGateway()
        gateway.process.closeInput()
        #expect(gateway.process.wait(timeoutMilliseconds: 20_000) == .exited(code: 0))
    }

    @Test(.timeLimit(.minutes(1)))
    func `a data folder has one owner`() throws {
        let gateway = try TestGateway()
        let rival = try gateway.startRival()
        let end = try #require(rival.wait(timeoutMilliseconds: 20_000))
        guard case .exited(let code) = end, code != 0 else { throw TestFailure("the rival \(end)") }
        #expect(rival.logTail().contains(gateway.data))
        // The first one goes on as if nothing had happened.
        let traffic = gateway.traffic(seed: 0xFACE, events: 50)
        traffic.start()
        traffic.wait()
        try account(gateway, traffic)
    }
}
