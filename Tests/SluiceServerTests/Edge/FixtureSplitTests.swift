import Foundation
import SluiceCore
import SluiceHTTP
import Testing

/// Every fixture of a platform as a request, cut in two at every byte: whatever the cut, the head is
/// understood the same, the decoder sees the same body and gives the same answer.
@Suite struct FixtureSplitTests {
    struct Request: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var platform: Platform
        var method: String
        var target: String
        var contentType: String
        var body: [UInt8]
    }

    static let requests: [Request] = ["native", "topsort"].flatMap(load)

    private static func load(_ platform: String) -> [Request] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Fixtures/\(platform)")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".txt") }.sorted().compactMap { name in
            guard let text = try? String(contentsOf: folder.appending(path: name), encoding: .utf8) else { return nil }
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            let heads = lines.filter { $0.hasPrefix("> ") }.map { $0.dropFirst(2).split(separator: " ") }
            let body = lines.drop { !$0.hasPrefix(">") }.drop { $0.hasPrefix(">") }.prefix { !$0.hasPrefix("<") }
            guard let request = heads.first, request.count > 1 else { return nil }
            return Request(
                testDescription: "\(platform)/\(name)", platform: Platform(platform)!, method: String(request[0]),
                target: String(request[1]),
                contentType: heads.count > 1 ? heads[1].joined(separator: " ") : "",
                body: Array(body.joined(separator: "\n").utf8))
        }
    }

    @Test func `there are fixtures`() {
        #expect(Self.requests.count > 20)
    }

    @Test(arguments: requests) func `with a length`(_ request: Request) throws {
        try check(request, framing: "Content-Length: \(request.body.count)", wire: request.body)
    }

    @Test(arguments: requests) func `in chunks`(_ request: Request) throws {
        var wire: [UInt8] = []
        var rest = request.body[...]
        while !rest.isEmpty {
            let chunk = rest.prefix(37)
            wire += Array("\(String(chunk.count, radix: 16))\r\n".utf8) + chunk + [13, 10]
            rest = rest.dropFirst(chunk.count)
        }
        wire += Array("0\r\n\r\n".utf8)
        try check(request, framing: "Transfer-Encoding: chunked", wire: wire)
    }

    private func check(_ request: Request, framing: String, wire: [UInt8]) throws {
        let head =
            "\(request.method) \(request.target) HTTP/1.1\r\nHost: h\r\nContent-Type: \(request.contentType)\r\n\(framing)\r\n\r\n"
        let all = Array(head.utf8) + wire
        let whole = try read(all, cut: all.count, request)
        #expect(whole.body == request.body)
        for cut in 1..<all.count {
            let result = try read(all, cut: cut, request)
            guard result == whole else {
                Issue.record("cut at \(cut): \(result.status) instead of \(whole.status)")
                return
            }
        }
    }

    struct Understood: Equatable {
        var target: [UInt8]
        var body: [UInt8]
        var status: Int
        var accepted: Int
        var answer: [UInt8]
    }

    private enum Trouble: Error { case refused, incomplete }

    /// Reads the request as a connection does that gets the first `cut` bytes before the others.
    private func read(_ all: [UInt8], cut: Int, _ request: Request) throws -> Understood {
        var parser = HTTPRequestParser()
        var buffer = ByteBuffer(capacity: all.count)
        all[..<cut].withContiguousBytes { buffer.append($0) }
        var state: (head: HTTPRequestHead, start: Int)?
        if case .head(let head) = parser.parseHead(buffer.bytes, limits: HTTPLimits()) {
            state = (head, head.headBytes)
        }
        if state == nil {
            all[cut...].withContiguousBytes { buffer.append($0) }
            guard case .head(let head) = parser.parseHead(buffer.bytes, limits: HTTPLimits()) else {
                throw Trouble.refused
            }
            state = (head, head.headBytes)
        }
        guard let (head, start) = state else { throw Trouble.incomplete }
        let target = head.target.array
        var body: [UInt8]
        switch head.framing {
        case .none: body = []
        case .length(let count):
            body = Array(all[start..<start + count])
        case .chunked:
            var decoder = ChunkedBodyDecoder(bodyBytesMax: 1 << 20)
            var chunks = ByteBuffer(capacity: all.count)
            var decodedEnd = 0
            var rawStart = 0
            // What had arrived of the body with the head comes first, the rest after it.
            let middle = max(start, cut)
            for part in [all[start..<middle], all[middle...]] {
                part.withContiguousBytes { chunks.append($0) }
                switch decoder.decode(&chunks, decodedEnd: &decodedEnd, rawStart: &rawStart) {
                case .refused: throw Trouble.refused
                case .complete: break
                case .incomplete:
                    chunks.truncate(to: decodedEnd)
                    rawStart = decodedEnd
                }
            }
            body = chunks.bytes[0..<decodedEnd].array
        }
        return decode(target, body, request)
    }

    private func decode(_ target: [UInt8], _ body: [UInt8], _ request: Request) -> Understood {
        let decoder: any PlatformDecoder = request.platform == .topsort ? TopsortDecoder() : NativeDecoder()
        let block = OpenBlock(capacity: 4096)
        var answer = PlatformAnswer()
        let parts = target.split(separator: UInt8(ascii: "?"), maxSplits: 1).map(Array.init)
        let type = Array(request.contentType.utf8)
        let result = parts[0].withBytes { path in
            (parts.count > 1 ? parts[1] : []).withBytes { query in
                body.withBytes { body in
                    type.withBytes { type in
                        decoder.decode(
                            PlatformRequest(
                                method: request.method == "GET" ? .get : .post, path: path, query: query,
                                contentType: type, body: body,
                                origin: RequestOrigin(
                                    receivedMilliseconds: 0, sourceName: Bytes("s"), sourceHash: 1)),
                            into: block, answer: &answer)
                    }
                }
            }
        }
        return Understood(
            target: target, body: body, status: answer.status, accepted: result.accepted,
            answer: answer.body.bytes.array)
    }
}

extension ArraySlice where Element == UInt8 {
    fileprivate func withContiguousBytes(_ body: (Bytes) -> Void) {
        unsafe withUnsafeBufferPointer { buffer in
            // Safety: the view ends with the closure.
            body(unsafe Bytes(buffer))
        }
    }
}
