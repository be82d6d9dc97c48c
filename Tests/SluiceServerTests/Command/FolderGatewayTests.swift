import Foundation
import Glibc
import SluiceIO
import SluiceLog
import SluiceServer
import Testing

@Suite struct FolderGatewayTests {
    private func announce(_ gateway: StandInGateway, in log: EventLog) throws {
        try RunFile(folder: log.folder.path).write(
            listen: [], admin: ListenAddress(host: "127.0.0.1", port: gateway.endpoint.port))
    }

    private func reason(_ found: FolderGateway) -> String? {
        if case .silent(let reason) = found { reason } else { nil }
    }

    @Test func `nobody is asked about a folder that nobody owns`() throws {
        let folder = try TemporaryFolder()
        let log = try EventLog.open(folder: folder.path)
        let gateway = try StandInGateway(folder: log.folder.identity)
        defer { gateway.stop() }
        try announce(gateway, in: log)
        #expect(FolderGateway.find(folder: folder.path, configured: nil) == .answering(gateway.endpoint))
        log.close()
        // What a killed gateway left, and an address at which somebody answers.
        #expect(FolderGateway.find(folder: folder.path, configured: gateway.endpoint) == .none)
        #expect(FolderGateway.find(folder: folder.path + "/nowhere", configured: gateway.endpoint) == .none)
    }

    @Test func `an address of the configuration serves where the folder names none`() throws {
        let folder = try TemporaryFolder()
        let log = try EventLog.open(folder: folder.path)
        defer { log.close() }
        let gateway = try StandInGateway(folder: log.folder.identity)
        defer { gateway.stop() }
        #expect(
            FolderGateway.find(folder: folder.path, configured: gateway.endpoint) == .answering(gateway.endpoint))
        // By another path to the same folder, too.
        let link = try TemporaryFolder().path
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: folder.path)
        defer { try? FileManager.default.removeItem(atPath: link) }
        #expect(FolderGateway.find(folder: link, configured: gateway.endpoint) == .answering(gateway.endpoint))
    }

    @Test func `another gateway's answer is not taken for this one's`() throws {
        let folder = try TemporaryFolder()
        let log = try EventLog.open(folder: folder.path)
        defer { log.close() }
        let other = try StandInGateway(folder: "1-2")
        let odd = try StandInGateway(folder: nil)
        defer {
            other.stop()
            odd.stop()
        }
        try announce(other, in: log)
        let found = reason(FolderGateway.find(folder: folder.path, configured: odd.endpoint))
        #expect(
            found
                == "the data folder \(folder.path) is in use by process \(getpid()), but no gateway answers for it:"
                + " the gateway at \(other.endpoint) works on another folder;"
                + " what listens at \(odd.endpoint) is not a gateway's admin port")
    }

    @Test func `a gateway that does not answer is told from none`() throws {
        let folder = try TemporaryFolder()
        let log = try EventLog.open(folder: folder.path)
        defer { log.close() }
        let port = Endpoint(host: "127.0.0.1", port: 0)
        #expect(
            reason(FolderGateway.find(folder: folder.path, configured: port))?
                .hasSuffix("no gateway answers for it: it has not said where its admin port is") == true)
        try LoopbackPort.silent { endpoint in
            #expect(
                reason(FolderGateway.find(folder: folder.path, configured: endpoint))?
                    .hasSuffix("nothing answers at \(endpoint): Connection refused") == true)
        }
        let mute = try LoopbackPort.answering(nil)
        #expect(
            reason(FolderGateway.find(folder: folder.path, configured: mute, timeoutMilliseconds: 50))?
                .hasSuffix("\(mute): no answer in time") == true)
    }
}
