import SluiceIO
import Testing

@Suite struct ListeningSocketTests {
    @Test func shardsShareThePortTheKernelGave() throws {
        let shards = try ListeningSocket.bindShards(ListenAddress.parse("127.0.0.1:0"), count: 3)
        #expect(shards.count == 3)
        let ports = Set(shards.flatMap { $0 }.map(\.port))
        #expect(ports.count == 1)
        #expect(ports.first != 0)
    }

    @Test func aTakenPortIsAnErrorThatNamesTheAddress() throws {
        let first = try ListeningSocket.bind(ListenAddress.parse("127.0.0.1:0"), reusePort: false)
        let again = ListenAddress(host: "127.0.0.1", port: first.port)
        do {
            _ = try ListeningSocket.bind(again, reusePort: false)
            Issue.record("bound twice")
        } catch {
            #expect("\(error)".contains("127.0.0.1:\(first.port)"))
            #expect(error.label == "cannot_listen")
        }
        first.close()
        _ = try ListeningSocket.bind(again, reusePort: false)
    }
}
