import Glibc
import SluiceCore
import SluiceIO

/// `sluice drill crash`: kills the gateway under load, again and again, and asks for every event that was
/// acknowledged.
///
///     per round: load for a random time -> SIGKILL -> start anew (now and then killed while it starts)
///     then: traffic ends -> everything is delivered -> fresh events -> ledger
package struct CrashDrill {
    private let options: DrillOptions
    private let rounds: Int
    private let secondsPerRound: Double

    /// - Parameter secondsPerRound: the longest that load goes on before a kill.
    package init(_ options: DrillOptions, rounds: Int, secondsPerRound: Double) {
        self.options = options
        self.rounds = rounds
        self.secondsPerRound = secondsPerRound
    }

    /// The process's exit code: 0 only when the ledger balances.
    package func run() throws(DrillError) -> Int32 {
        let session = try DrillSession(options)
        var isClean = false
        defer { session.close(isClean: isClean) }
        var random = SplitMix64(seed: options.seed)
        session.say(
            "crash drill: \(rounds) rounds of up to \(Readable.oneDecimal(secondsPerRound)) s, "
                + "\(Readable.oneDecimal(options.eventsPerSecond)) events/s, seed \(options.seed)")
        // Now and then a platform takes events and nobody hears of it.
        for party in session.cast.parties {
            party.standIn.faults.play([FaultStep(.takeAndReset, share: 0.01)])
        }
        try session.start()
        session.beginTraffic()
        for round in 1...max(rounds, 1) {
            let before = session.acknowledged
            try session.wait(for: "events are acknowledged") { session.acknowledged > before }
            try session.sleep(milliseconds: Int(random.nextUnit() * secondsPerRound * 1000))
            try session.kill()
            if random.next(below: 10) == 0 { try killWhileStarting(session, &random) }
            try session.start()
            if isTold(round) {
                session.say(
                    "round \(round) of \(rounds): \(Readable.count(session.acknowledged)) events acknowledged, "
                        + "\(Readable.count(session.restarts)) restarts, the slowest "
                        + Readable.duration(microseconds: UInt64(session.slowestStartMilliseconds) * 1000))
            }
        }
        let before = session.acknowledged
        try session.wait(for: "events are acknowledged") { session.acknowledged > before }
        for party in session.cast.parties { party.standIn.faults.clear() }
        let ledger = try session.finish("crash")
        isClean = ledger.isBalanced
        return session.report(ledger)
    }

    /// At most some twenty lines.
    private func isTold(_ round: Int) -> Bool {
        round == rounds || round % max(rounds / 20, 1) == 0
    }

    private func killWhileStarting(_ session: DrillSession, _ random: inout SplitMix64) throws(DrillError) {
        do throws(GatewayError) {
            try session.spawn()
        } catch {
            throw .gateway(error)
        }
        try session.sleep(milliseconds: random.next(below: 150))
        try session.kill()
    }
}
