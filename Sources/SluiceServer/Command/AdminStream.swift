import Glibc
import SluiceCore

/// Reads a stream of lines from the admin port, as they come.
package enum AdminStream {
    /// Why a stream ended.
    package enum End: Sendable, Equatable {
        /// The gateway ended it.
        case complete
        /// `onLine` or `isWanted` ended it.
        case unwanted
        /// The connection broke, or nothing came for too long: not even a heartbeat.
        case broken(String)
        /// There is no stream: status and body say why.
        case refused(status: Int, body: [UInt8])
    }

    private static let sliceMilliseconds: Int64 = 200
    private static let headBytesMax = 16 << 10
    /// Bytes of one line; no event is that long.
    private static let lineBytesMax = 16 << 20

    /// - Parameters:
    ///   - silenceMilliseconds: without a byte, until the stream is given up.
    ///   - isWanted: asked several times a second.
    ///   - onLine: without its line feed; false ends the stream.
    package static func read(
        _ endpoint: Endpoint, path: String, silenceMilliseconds: Int64 = 20_000, isWanted: () -> Bool,
        onLine: (ArraySlice<UInt8>) -> Bool
    ) throws(AdminClientError) -> End {
        let deadline = WallTime.monotonicMilliseconds() + 5000
        let descriptor = try AdminClient.connect(AdminClient.reachable(endpoint), deadline: deadline)
        defer { close(descriptor) }
        let request = "GET \(path) HTTP/1.1\r\nHost: \(endpoint)\r\nConnection: close\r\n\r\n"
        try AdminClient.send(Array(request.utf8), to: descriptor, deadline: deadline)
        var body = ChunkedLines(lineBytesMax: lineBytesMax)
        var head: [UInt8]? = []
        var refusal: Int?
        var rest: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        var heardAt = WallTime.monotonicMilliseconds()
        while true {
            guard isWanted() else { return .unwanted }
            let now = WallTime.monotonicMilliseconds()
            guard AdminClient.wait(descriptor, Int32(POLLIN), deadline: now + sliceMilliseconds) else {
                if now - heardAt > silenceMilliseconds { return .broken("nothing came for a while") }
                continue
            }
            // Safety: at most the chunk's own size is written to it.
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else {
                if let refusal { return .refused(status: refusal, body: rest) }
                return .broken(count == 0 ? "the connection ended" : errorText(errno))
            }
            heardAt = WallTime.monotonicMilliseconds()
            var bytes = chunk[..<count]
            if var soFar = head {
                soFar += bytes
                guard let end = soFar.firstRange(of: Array("\r\n\r\n".utf8)) else {
                    guard soFar.count <= headBytesMax else { throw .badAnswer("it has no HTTP head") }
                    head = soFar
                    continue
                }
                head = nil
                let status = try AdminStream.status(soFar[..<end.lowerBound])
                if status != 200 { refusal = status }
                bytes = soFar[end.upperBound...]
            }
            if refusal != nil {
                rest += bytes
                guard rest.count <= headBytesMax else { return .refused(status: refusal ?? 0, body: rest) }
                continue
            }
            switch body.take(bytes, onLine) {
            case .more: continue
            case .ended: return .complete
            case .stopped: return .unwanted
            case .malformed: throw .badAnswer("its chunks are malformed")
            }
        }
    }

    private static func status(_ head: ArraySlice<UInt8>) throws(AdminClientError) -> Int {
        let line = head.prefix { $0 != 0x0D }
        let parts = String(decoding: line, as: UTF8.self).split(separator: " ")
        guard parts.count >= 2, parts[0].hasPrefix("HTTP/1."), let status = Int(parts[1]) else {
            throw .badAnswer("it does not begin with an HTTP status")
        }
        return status
    }
}

/// Takes the lines out of a chunked body, in whatever pieces it comes.
struct ChunkedLines {
    enum Result: Equatable {
        case more, ended, stopped, malformed
    }

    private enum State {
        /// Reading a chunk's size, so far.
        case size(Int, digits: Int)
        case data(left: Int)
        /// Between a chunk's data and the next size.
        case lineEnd(left: Int)
    }

    private let lineBytesMax: Int
    private var state = State.size(0, digits: 0)
    private var line: [UInt8] = []

    init(lineBytesMax: Int) { self.lineBytesMax = lineBytesMax }

    mutating func take(_ bytes: ArraySlice<UInt8>, _ onLine: (ArraySlice<UInt8>) -> Bool) -> Result {
        var rest = bytes
        while let byte = rest.first {
            switch state {
            case .size(let size, let digits):
                rest.removeFirst()
                if byte == 0x0A {
                    guard digits > 0 else { return .malformed }
                    if size == 0 { return .ended }
                    state = .data(left: size)
                } else if let digit = hexDigit(byte), digits < 8 {
                    state = .size(size * 16 + digit, digits: digits + 1)
                } else if byte != 0x0D {
                    return .malformed
                }
            case .data(let left):
                let count = min(left, rest.count)
                guard takeLines(rest.prefix(count), onLine) else { return .stopped }
                guard line.count <= lineBytesMax else { return .malformed }
                rest = rest.dropFirst(count)
                state = count == left ? .lineEnd(left: 2) : .data(left: left - count)
            case .lineEnd(let left):
                rest.removeFirst()
                state = left == 1 ? .size(0, digits: 0) : .lineEnd(left: left - 1)
            }
        }
        return .more
    }

    private func hexDigit(_ byte: UInt8) -> Int? {
        switch byte {
        case 0x30...0x39: Int(byte) - 0x30
        case 0x41...0x46: Int(byte) - 0x37
        case 0x61...0x66: Int(byte) - 0x57
        default: nil
        }
    }

    /// False when `onLine` wants no more.
    private mutating func takeLines(_ bytes: ArraySlice<UInt8>, _ onLine: (ArraySlice<UInt8>) -> Bool) -> Bool {
        var rest = bytes
        while let end = rest.firstIndex(of: 0x0A) {
            if line.isEmpty {
                guard onLine(rest[..<end]) else { return false }
            } else {
                line += rest[..<end]
                let whole = line
                line.removeAll(keepingCapacity: true)
                guard onLine(whole[...]) else { return false }
            }
            rest = rest[(end + 1)...]
        }
        line += rest
        return true
    }
}
