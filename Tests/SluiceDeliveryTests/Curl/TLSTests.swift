import Foundation
import SluiceCore
import SluiceDelivery
import Testing

/// nghttpd with a certificate made for the occasion, in a folder of its own.
private final class SecureUpstream {
    let folder: URL
    let port: UInt16
    private let process: ChildProcess

    var certificate: String { folder.appendingPathComponent("cert.pem").path }
    var url: String { "https://127.0.0.1:\(port)" }

    init() throws {
        folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("sluice-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let key = folder.appendingPathComponent("key.pem").path
        let openssl = ChildProcess(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=sluice-test"
                .split(separator: " ").map(String.init)
                + ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key]
                + ["-out", folder.appendingPathComponent("cert.pem").path])
        try #require(openssl?.wait() == 0, "openssl cannot make a certificate")
        // nghttpd cannot be given port 0: take one the kernel deems free, and another if somebody
        // was faster.
        var started: (ChildProcess, UInt16)?
        for _ in 0..<5 where started == nil {
            let port = TestUpstream.freePort()
            let server = try #require(
                ChildProcess([
                    "nghttpd", "-a", "127.0.0.1", "--echo-upload", "\(port)", key,
                    folder.appendingPathComponent("cert.pem").path,
                ]))
            if eventually({ !server.isRunning || TestUpstream.isListening(port) }), server.isRunning {
                started = (server, port)
            } else {
                server.kill()
                _ = server.wait()
            }
        }
        (process, port) = try #require(started, "nghttpd does not start")
    }

    func close() {
        process.kill()
        _ = process.wait()
        try? FileManager.default.removeItem(at: folder)
    }
}

@Suite struct TLSTests {
    @Test func anUnknownCertificateIsRefused() throws {
        let upstream = try SecureUpstream()
        defer { upstream.close() }
        let log = MemoryLog()
        log.append([eventLine("a")])
        let bench = try EngineBench(
            [(destination(upstream.url), IDEncoder())], log: log, state: MemoryState())
        defer { bench.stop() }
        #expect(eventually { bench.status().attempts > 3 })
        #expect(bench.status().counts.total == 0 && bench.status().durations.count == 0)
        #expect(bench.status().lastError?.contains("certificate") == true)
    }

    @Test func aTrustedCertificateIsAcceptedOverHTTP2() throws {
        let upstream = try SecureUpstream()
        defer { upstream.close() }
        let log = MemoryLog()
        for block in 0..<40 { log.append([eventLine("e\(block)")]) }
        let configuration = destination(upstream.url) {
            $0.caFile = upstream.certificate
            $0.batch = 1
            $0.concurrency = 8
        }
        let bench = try EngineBench([(configuration, IDEncoder())], log: log, state: MemoryState())
        defer { bench.stop() }
        #expect(eventually { bench.status().pending == 0 })
        bench.stop()
        let status = bench.status()
        #expect(status.counts.delivered == 40 && status.retries == 0)
        #expect(status.http2Requests == 40, "negotiated by ALPN")
        #expect(status.connectionsReused >= 32, "streams of few connections")
    }

    @Test func aCertificateForAnotherHostIsRefused() throws {
        let upstream = try SecureUpstream()
        defer { upstream.close() }
        let log = MemoryLog()
        log.append([eventLine("a")])
        let configuration = destination("https://localhost:\(upstream.port)") {
            $0.caFile = upstream.certificate
        }
        let bench = try EngineBench([(configuration, IDEncoder())], log: log, state: MemoryState())
        defer { bench.stop() }
        #expect(eventually { bench.status().attempts > 3 })
        #expect(bench.status().counts.total == 0 && bench.status().lastError?.contains("localhost") == true)
    }
}
