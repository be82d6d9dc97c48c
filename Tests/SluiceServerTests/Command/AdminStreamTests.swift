import SluiceCore
import SluiceIO
import Testing

@testable import SluiceServer

@Suite struct AdminStreamTests {
    private func lines(
        _ pieces: [ArraySlice<UInt8>], lineBytesMax: Int = 1000
    ) -> (lines: [String], result: ChunkedLines.Result) {
        var body = ChunkedLines(lineBytesMax: lineBytesMax)
        var lines: [String] = []
        for piece in pieces {
            let result = body.take(piece) { line in
                lines.append(String(decoding: line, as: UTF8.self))
                return true
            }
            if result != .more { return (lines, result) }
        }
        return (lines, .more)
    }

    @Test func `lines are the same however they come`() {
        let text = Array("6\r\none\ntw\r\n1\r\nX\r\nC\r\no\n\n\nthree\nfo\r\n03\r\nur\n\r\n0\r\n\r\n".utf8)
        let whole = lines([text[...]])
        #expect(whole.lines == ["one", "twXo", "", "", "three", "four"])
        #expect(whole.result == .ended)
        for place in 1..<text.count {
            let split = lines([text[..<place], text[place...]])
            #expect(split.lines == whole.lines)
            #expect(split.result == whole.result)
        }
        let bytes = lines(text.map { [$0][...] })
        #expect(bytes.lines == whole.lines)
    }

    @Test func `a body has an end, and only then`() {
        #expect(lines([Array("2\r\na\n\r\n".utf8)[...]]).result == .more)
        #expect(lines([Array("2\r\na\n\r\n0\r\n\r\n".utf8)[...]]).result == .ended)
        #expect(lines([Array("x\r\n".utf8)[...]]).result == .malformed)
        #expect(lines([Array("\r\n".utf8)[...]]).result == .malformed)
        #expect(lines([Array("fffffffff\r\n".utf8)[...]]).result == .malformed)
        #expect(lines([Array("5\r\nabcde\r\n".utf8)[...]], lineBytesMax: 4).result == .malformed)
    }

    @Test func `a stream ends when it is over, refused, cut or unwanted`() throws {
        let server = try BlockingHTTPServer(name: "test") { request in
            if request.path == "/no" { return SimpleResponse(status: 503, contentType: "text/plain", text: "busy") }
            var response = SimpleResponse(status: 200)
            let isCut = request.path == "/cut"
            if isCut { response.fault = .reset }
            response.stream = { stream in
                for _ in 0..<3 { _ = Array("line\n".utf8).withBytes { stream.write($0) } }
            }
            return response
        }
        let port = try server.start(on: ListenAddress(host: "127.0.0.1", port: 0))
        defer { server.stop() }
        let endpoint = Endpoint(host: "127.0.0.1", port: port)
        func read(_ path: String, lines wanted: Int = 10) throws -> (AdminStream.End, Int) {
            var count = 0
            let end = try AdminStream.read(endpoint, path: path, isWanted: { true }) { line in
                #expect(Array(line) == Array("line".utf8))
                count += 1
                return count < wanted
            }
            return (end, count)
        }
        let whole = try read("/")
        #expect(whole.0 == .complete)
        #expect(whole.1 == 3)
        let part = try read("/", lines: 2)
        #expect(part.0 == .unwanted)
        #expect(part.1 == 2)
        #expect(try read("/no").0 == .refused(status: 503, body: Array("busy".utf8)))
        let cut = try read("/cut")
        guard case .broken = cut.0 else {
            Issue.record("\(cut)")
            return
        }
    }
}
