import SluiceCore
import SluiceServer
import Testing

@Suite struct ReplayProgressTests {
    private func document(_ delivered: Int64, _ phase: ReplayPhase = .running) -> ReplayDocument {
        var job = ReplayJob(
            id: 3, spec: ReplaySpec(destination: "hook", received: 0..<1), blocks: 1..<2,
            end: EventSequence(block: 2, index: 0), total: ReplayTotal(events: 100, bytes: 1),
            createdMilliseconds: 1)
        job.phase = phase
        job.counts.delivered = delivered
        return ReplayDocument(job)
    }

    @Test func `a terminal gets a bar and figures`() {
        var progress = ReplayProgress(isTerminal: true)
        #expect(
            progress.text(document(0), now: 0, isLast: false)
                == "\r[........................] 0%  replay 3 running: 0 of 100 events: 0 delivered, 100 to go\u{1B}[K")
        #expect(progress.text(document(0), now: 100, isLast: false) == nil)
        #expect(
            progress.text(document(50), now: 5000, isLast: false)
                == "\r[############............] 50%  replay 3 running: 50 of 100 events: 50 delivered, 50 to go,"
                + " 10.0/s, 5s left\u{1B}[K")
        #expect(
            progress.text(document(100, .done), now: 6000, isLast: true)?.hasSuffix("100 delivered\u{1B}[K\n") == true)
    }

    @Test func `elsewhere there are lines, not too many`() {
        var progress = ReplayProgress(isTerminal: false)
        #expect(
            progress.text(document(0, .queued), now: 0, isLast: false)
                == "replay 3 queued: 0 of 100 events: 0 delivered, 100 to go\n")
        #expect(progress.text(document(5), now: 100, isLast: false) == nil)
        #expect(progress.text(document(5), now: 2000, isLast: false)?.hasPrefix("replay 3 running: 5 of 100") == true)
        #expect(progress.text(document(5), now: 9000, isLast: false) == nil)
        #expect(
            progress.text(document(100, .done), now: 9100, isLast: true)
                == "replay 3 done: 100 of 100 events: 100 delivered\n")
    }
}
