import Foundation
import SluiceIO
import SluiceServer

/// What answers at an admin port as a gateway of a folder does.
struct StandInGateway {
    let endpoint: Endpoint
    private let server: BlockingHTTPServer

    /// - Parameter folder: what it says it works on; nil says nothing, as what is no gateway does.
    init(folder: String?, status: GatewayStatus = GatewayStatus()) throws {
        let body = AdminJSON.encode(StatusDocument(status))
        server = try BlockingHTTPServer(name: "stand-in") { request in
            var response = SimpleResponse(
                status: 200, contentType: "application/json", text: request.path == "/api/status" ? body : "ok\n")
            if let folder { response.headers.append((FolderGateway.header, folder)) }
            return response
        }
        endpoint = Endpoint(
            host: "127.0.0.1", port: try server.start(on: ListenAddress(host: "127.0.0.1", port: 0)))
    }

    func stop() { server.stop() }
}

extension TemporaryFolder {
    /// Writes a configuration whose data folder is `data` in this one.
    func configuration(_ text: String) throws -> String {
        let file = path + "/sluice.yaml"
        try "data: \(path)/data\n\(text)".write(toFile: file, atomically: true, encoding: .utf8)
        return file
    }
}
