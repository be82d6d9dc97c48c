#if canImport(CAllocationCounter)
    import CAllocationCounter
    import Testing

    @testable import SluiceCore

    #if DEBUG
        private let isOptimized = false
    #else
        private let isOptimized = true
    #endif

    /// A valid request costs no allocation once the decoder and its block have grown to their size.
    /// Without optimization the compiler's own temporaries would be counted:
    /// `swift test -c release -Xswiftc -enable-testing --filter DecoderAllocationTests`.
    @Suite(.enabled(if: isOptimized && callocation_counter_available() != 0)) struct DecoderAllocationTests {
        @Test(arguments: Fixture.all("gowit").filter { $0.status == 204 })
        func gowit(_ fixture: Fixture) { measure(fixture, GowitDecoder()) }

        @Test(arguments: Fixture.all("kevel").filter { $0.status == 204 })
        func kevel(_ fixture: Fixture) { measure(fixture, KevelDecoder()) }

        private func measure(_ fixture: Fixture, _ decoder: any PlatformDecoder) {
            let block = OpenBlock(capacity: 1 << 20)
            var answer = PlatformAnswer()
            [fixture.path, fixture.query, fixture.contentType, fixture.body].withAllBytes { parts in
                let request = PlatformRequest(
                    method: fixture.method, path: parts[0], query: parts[1], contentType: parts[2],
                    body: parts[3],
                    origin: RequestOrigin(receivedMilliseconds: 1, sourceName: Bytes("s"), sourceHash: 1))
                for _ in 0..<4 { _ = decoder.decode(request, into: block, answer: &answer) }
                block.reset(ticket: 1)
                let before = callocation_count()
                for _ in 0..<50 { _ = decoder.decode(request, into: block, answer: &answer) }
                let after = callocation_count()
                #expect(after - before == 0, "\(fixture.name)")
                #expect(block.eventCount >= 50)
            }
        }
    }
#endif
