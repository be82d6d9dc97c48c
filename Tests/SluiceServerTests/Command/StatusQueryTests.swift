import Foundation
import SluiceServer
import Testing

@Suite struct StatusQueryTests {
    private func ask(_ admin: String) throws(StatusQuery.Failure) -> StatusDocument {
        try StatusQuery.ask(admin: admin, file: nil, standardFiles: [], options: .tests())
    }

    @Test func aGatewayIsAsked() throws {
        let document = StatusDocument(GatewayStatus.example)
        let body = AdminJSON.encode(document)
        let server = try LoopbackPort.answering(
            "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        #expect(try ask(server.description) == document)
    }

    @Test func theAddressComesFromTheConfiguration() throws {
        let folder = try TemporaryFolder()
        let body = AdminJSON.encode(StatusDocument(GatewayStatus.example))
        let server = try LoopbackPort.answering("HTTP/1.1 200 OK\r\n\r\n\(body)")
        let path = folder.path + "/c.yaml"
        // What else is wrong does not matter here.
        try "admin: \(server)\ndestinations: [{}]\n".write(
            toFile: path, atomically: true, encoding: .utf8)
        let document = try StatusQuery.ask(admin: nil, file: path, options: .tests())
        #expect(document.status.log.events == 100)
    }

    @Test func whatIsNoGatewayIsSaid() throws {
        let other = try LoopbackPort.answering("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        #expect(
            throws: StatusQuery.Failure(
                message: "what listens at \(other) answered 404; is it a gateway's admin port?")
        ) {
            try ask(other.description)
        }
        let odd = try LoopbackPort.answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        #expect(
            throws: StatusQuery.Failure(
                message: "what listens at \(odd) did not answer with a gateway's status")
        ) {
            try ask(odd.description)
        }
        #expect(
            throws: StatusQuery.Failure(
                message: "--admin: 'x' has no port: expected the form 127.0.0.1:8080 or [::1]:8080")
        ) {
            try ask("x")
        }
    }

    @Test func nobodyThereIsSaidWithTheAddress() throws {
        try LoopbackPort.silent { endpoint in
            let failure = StatusQuery.Failure(
                message:
                    "no gateway is running at \(endpoint), the admin address: nothing answers at \(endpoint): Connection refused"
            )
            #expect(throws: failure) { try ask(endpoint.description) }
        }
    }
}
