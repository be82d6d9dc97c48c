import SluiceServer
import Testing

@Suite struct StatusTextTests {
    @Test func theTableIsReadable() {
        var status = GatewayStatus.example
        status.version = "1.2.3"
        status.phase = .running
        status.reasons = ["log: cannot commit: disk full"]
        status.log.failing = "disk full"
        #expect(
            StatusText.make(StatusDocument(status)) == """
                sluice 1.2.3, running, up 1h2m, not ready
                  log: cannot commit: disk full
                edge    2 shards, 0 connections, acknowledged in p50 0.8 ms, p99 1.5 s
                log     100 events, next block 8, 1 segments, 1.5 KiB, 0 failed commits
                runway  growth 512.0 MiB/h over the last 1m0s, kept up to 1.0 GiB, 3.0 GiB free, 2h0m until the log is at log.retain.hard_size
                        cannot commit: disk full
                known   at most 98 of 16000000 events remembered, 0 rotations

                SOURCE  ACCEPTED  DUPLICATES  REJECTED
                web           90           3         1
                app           10           0         0

                DESTINATION  PLATFORM  POSITION  LAG  BEHIND  IN FLIGHT  BREAKER  P50  P99
                topsort      topsort        6.3   20   1m15s          0  closed     -    -
                hook         webhook        8.0    0      0s          0  open       -    -
                  hook: last error at 2026-01-02T03:04:06.000Z: 503 from upstream

                BOOK     ACCEPTED  DELIVERED  REJECTED  PARKED  EXPIRED  FILTERED  PENDING
                topsort        90         70         0       0        0         0       20  balanced
                hook          100         80         5       4        3         8        0  balanced

                """)
    }

    @Test func whatAnUpstreamSaidDoesNotDriveTheTerminal() {
        var status = GatewayStatus.example
        status.destinations[0].lastError = "400: \u{1B}[31mred\nsecond line\u{9B}2J"
        let text = StatusText.make(StatusDocument(status))
        #expect(text.contains(#"400: \u001b[31mred\nsecond line"#))
        #expect(
            !text.unicodeScalars.contains {
                $0.value < 0x20 && $0 != "\n" || (0x7F...0x9F).contains($0.value)
            })
    }

    @Test func anUnbalancedBookIsLoud() {
        var status = GatewayStatus.example
        status.destinations[0].delivered = 69
        let text = StatusText.make(StatusDocument(status))
        #expect(text.contains("NOT BALANCED"))
        #expect(text.hasSuffix("\nTHE BOOKS OF topsort DO NOT BALANCE: 90 accepted, 89 accounted for\n"))
    }

    @Test func soIsAnHourThatDoesNotBalance() {
        var status = GatewayStatus.example
        var good = HourBook()
        good.destination = "hook"
        good.hour = "2026-01-02T03:00:00.000Z"
        good.accepted = 7
        good.delivered = 4
        good.unrecorded = 3
        status.hours = [good]
        let document = StatusDocument(status)
        #expect(document.books.balanced)
        #expect(
            StatusText.make(document).hasSuffix(
                """

                HOUR (UTC)        DESTINATION  ACCEPTED  DELIVERED  REJECTED  PARKED  EXPIRED  FILTERED  PENDING
                2026-01-02T03:00  hook                7          4         0       0        0         0        0  balanced, 3 not recorded

                """))
        good.balanced = false
        status.hours.append(good)
        #expect(!StatusDocument(status).books.balanced)
        #expect(
            StatusText.make(StatusDocument(status)).hasSuffix(
                "\nTHE BOOKS OF hook DO NOT BALANCE in the hour from 2026-01-02T03:00Z: 7 accepted, 7 accounted for\n"
            ))
    }

    @Test func withoutDestinationsItSaysSo() {
        #expect(
            StatusText.make(StatusDocument(GatewayStatus())).hasSuffix(
                "no destinations: events are kept in the log\n"))
    }
}
