import CAllocationCounter
import Testing

@testable import SluiceCore

/// Whether allocations can be counted in this process, and mean something: without optimization
/// the compiler puts the frames of array accessors on the heap.
private var allocationsAreCounted: Bool {
    #if DEBUG
        false
    #else
        callocation_counter_available() != 0
    #endif
}

/// The promise of the path from body to block: once buffers have grown, an event of any platform costs no
/// heap allocation. Refusals may allocate.
///
///     swift test -c release -Xswiftc -enable-testing --scratch-path .build-optimized --filter AllocationTests
@Suite(.enabled(if: allocationsAreCounted, "needs an optimized build, glibc and no sanitizer"))
struct DecoderAllocationTests {
    /// Allocations this thread makes for one more request, after some to warm up.
    private func allocations(_ decoder: any PlatformDecoder, _ request: PlatformRequest, status: Int) -> Int64 {
        let block = OpenBlock(capacity: 1 << 20)
        var answer = PlatformAnswer()
        var count: Int64 = 0
        for _ in 0..<20 {
            block.reset(ticket: 1)
            let before = callocation_count()
            _ = decoder.decode(request, into: block, answer: &answer)
            count = callocation_count() - before
        }
        let answered = answer.status
        #expect(answered == status)
        #expect(block.eventCount > 0)
        return count
    }

    private static let platforms = ["native", "topsort", "gowit", "vtex", "kevel", "impact"]

    private static let fixtures = platforms.flatMap(Fixture.all).filter {
        (200..<300).contains($0.status) && !$0.answer.contains("\"index\"") && !$0.events.isEmpty
    }

    @Test(arguments: platforms)
    func everyPlatformIsMeasured(_ platform: String) {
        #expect(DecoderAllocationTests.fixtures.filter { $0.platform == platform }.count >= 4)
    }

    @Test(arguments: fixtures)
    func takingEventsAllocatesNothing(_ fixture: Fixture) {
        let decoder = fixture.anyHarness().decoder
        let parts = [
            fixture.path, fixture.query, fixture.contentType, fixture.body, "Agent/1.0",
            "https://shop.example/",
        ]
        let count = parts.withAllBytes { parts in
            allocations(
                decoder,
                PlatformRequest(
                    method: fixture.method, path: parts[0], query: parts[1], contentType: parts[2],
                    body: parts[3],
                    origin: RequestOrigin(
                        receivedMilliseconds: DecoderHarness.now, sourceName: Bytes("shop"), sourceHash: 42,
                        userAgent: parts[4], referrer: parts[5], address: Bytes("192.0.2.0"))),
                status: fixture.status)
        }
        #expect(count == 0)
    }

    /// Personal data that comes in the clear is hashed on the same path, under whatever name.
    @Test(arguments: [
        #"{"type":"page_view","user":{"email":"Ann@Example.COM","phone":"+1 (555) 123-4567","first_name":"Ann","last_name":"Lee"}}"#,
        #"{"type":"page_view","user":{"e_mail":"Ann@Example.COM","name":"Ann Lee"},"customer":{"cpf":12345678909,"list":[{"phone":"+15551234567"}]}}"#,
    ])
    func hashingPersonalDataAllocatesNothing(_ body: String) {
        let decoder = DecoderHarness.native().decoder
        let count = [body].withAllBytes { parts in
            allocations(
                decoder,
                PlatformRequest(
                    method: .post, path: Bytes("/events"), query: .empty, contentType: Bytes("application/json"),
                    body: parts[0],
                    origin: RequestOrigin(
                        receivedMilliseconds: DecoderHarness.now, sourceName: Bytes("shop"), sourceHash: 42)),
                status: 202)
        }
        #expect(count == 0)
    }
}
