import SluiceHTTP
import Testing

@Suite struct HTTPFaultTests {
    @Test func `codes and labels are those of the C module`() {
        let ours: [HTTPFault] = [.headTooLarge]
        let shared = HTTPFault.allCases.filter { !ours.contains($0) }
        #expect(shared.count == HTTPFault.scannerCount)
        for fault in shared { #expect(fault.scannerLabel == "\(fault.label)") }
        for fault in ours { #expect(fault.scannerLabel == "") }
    }

    @Test func `labels and reasons are distinct`() {
        #expect(Set(HTTPFault.allCases.map { "\($0.label)" }).count == HTTPFault.allCases.count)
        #expect(Set(HTTPFault.allCases.map { "\($0.reason)" }).count == HTTPFault.allCases.count)
    }

    @Test func `faults are answered with their own status`() {
        let special: [HTTPFault: Int] = [
            .connect: 405, .bodyTooLarge: 413, .expectation: 417, .fieldLines: 431, .headTooLarge: 431,
            .trailerTooLarge: 431, .codingUnsupported: 501, .versionUnsupported: 505,
        ]
        for fault in HTTPFault.allCases {
            #expect(fault.problem(limit: 7).status == special[fault] ?? 400, "\(fault.label)")
        }
    }
}
