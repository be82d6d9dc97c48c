import SluiceServer
import Testing

@Suite struct TraceTextTests {
    @Test func aReceiptIsReadable() {
        var receipt = EventReceipt()
        receipt.id = "buy-1"
        receipt.type = "purchase"
        receipt.sequence = "42.7"
        receipt.receivedAt = "2026-01-02T03:04:05.678Z"
        receipt.source = "shop"
        receipt.platform = "native"
        var rejected = DestinationReceipt(destination: "hook", outcome: .rejected)
        rejected.status = 422
        rejected.attempts = 2
        rejected.reason = "no \u{1B}[31mred"
        rejected.firstAttemptAt = "2026-01-02T03:04:06.000Z"
        rejected.lastAttemptAt = "2026-01-02T03:04:07.000Z"
        rejected.url = "https://x.test/hook"
        var pending = DestinationReceipt(destination: "topsort", outcome: .pending)
        pending.stage = .waiting
        pending.lagEvents = 12
        receipt.destinations = [
            DestinationReceipt(destination: "vtex", outcome: .delivered), rejected, pending,
            DestinationReceipt(destination: "late", outcome: .notDue),
        ]
        let text = TraceText.make([TracedEvent(receipt: receipt, line: Array(#"{"id":"buy-1"}"#.utf8))])
        #expect(
            text == """
                buy-1  purchase  42.7
                  received 2026-01-02T03:04:05.678Z from shop (native)
                  {"id":"buy-1"}
                  DESTINATION  OUTCOME                     STATUS  ATTEMPTS  LAST
                  vtex         delivered                        -         -  -
                  hook         rejected                       422         2  2026-01-02T03:04:07.000Z  no \\u001b[31mred; first tried 2026-01-02T03:04:06.000Z; https://x.test/hook
                  topsort      pending, to be tried again       -         -  -                         12 events behind
                  late         not due                          -         -  -

                """)
        #expect(TraceText.make([]) == "")
    }
}
