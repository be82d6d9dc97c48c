import Foundation
import Glibc
import SluiceServer
import Testing

/// A TCP port of loopback that the kernel gave out.
struct LoopbackPort {
    let descriptor: Int32
    let endpoint: Endpoint

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        // Safety: the address is lent for each call, with its own size.
        let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                unsafe bind(descriptor, raw, size) == 0 && getsockname(descriptor, raw, &size) == 0
            }
        }
        try #require(isBound)
        self.descriptor = descriptor
        endpoint = Endpoint(host: "127.0.0.1", port: UInt16(bigEndian: address.sin_port))
    }

    /// Answers one connection with fixed bytes, then closes it and the port.
    ///
    /// - Parameter answer: nil keeps silent until the client goes away.
    static func answering(_ answer: String?) throws -> Endpoint {
        let port = try LoopbackPort()
        try #require(listen(port.descriptor, 4) == 0)
        Thread.detachNewThread {
            defer { close(port.descriptor) }
            let connection = accept(port.descriptor, nil, nil)
            guard connection >= 0 else { return }
            defer { close(connection) }
            var buffer = [UInt8](repeating: 0, count: 4096)
            // Safety: at most the buffer's own size is written to it.
            let count = unsafe recv(connection, &buffer, buffer.count, 0)
            if let answer, count > 0 {
                let bytes = Array(answer.utf8)
                // Safety: the bytes are lent for the call.
                _ = unsafe send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            } else {
                // Safety: as above.
                _ = unsafe recv(connection, &buffer, buffer.count, 0)
            }
        }
        return port.endpoint
    }

    /// Calls `body` with a port that nobody else can have and at which nobody listens.
    static func silent(_ body: (Endpoint) throws -> Void) throws {
        let port = try LoopbackPort()
        defer { close(port.descriptor) }
        try body(port.endpoint)
    }
}

@Suite struct AdminClientTests {
    @Test func anAnswerIsRead() throws {
        let endpoint = try LoopbackPort.answering(
            "HTTP/1.1 503 Nope\r\nContent-Length: 2\r\nX: y\r\n\r\nhi and more")
        let answer = try AdminClient.get(endpoint, path: "/readyz")
        #expect(answer.status == 503 && answer.body == Array("hi".utf8))
        #expect(answer.headers == ["content-length": "2", "x": "y"])
    }

    @Test func aBodyMayEndWithTheConnection() throws {
        let endpoint = try LoopbackPort.answering("HTTP/1.0 200 OK\r\n\r\nall of it")
        #expect(try AdminClient.get(endpoint, path: "/").body == Array("all of it".utf8))
    }

    @Test(arguments: [
        "", "garbage", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", "HTTP/2 200\r\n\r\n",
        "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nbad\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    ])
    func otherAnswersAreRefused(text: String) {
        #expect {
            _ = try AdminClient.parse(Array(text.utf8))
        } throws: { error in
            (error as? AdminClientError)?.label == "bad_answer"
        }
    }

    @Test func anAnswerIsBounded() throws {
        let endpoint = try LoopbackPort.answering(
            "HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "x", count: 3000))
        #expect(throws: AdminClientError.badAnswer("it is longer than 2KB")) {
            try AdminClient.get(endpoint, path: "/", bytesMax: 2000)
        }
    }

    @Test func silenceEndsInATimeout() throws {
        let endpoint = try LoopbackPort.answering(nil)
        #expect(throws: AdminClientError.timeout) {
            try AdminClient.get(endpoint, path: "/", timeoutMilliseconds: 50)
        }
    }

    @Test func nobodyThereIsSaid() throws {
        try LoopbackPort.silent { endpoint in
            #expect(
                throws: AdminClientError.unreachable("nothing answers at \(endpoint): Connection refused")
            ) {
                try AdminClient.get(endpoint, path: "/")
            }
        }
    }
}
