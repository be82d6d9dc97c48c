import SluiceCore

/// A request that was refused, wholly or in part, on its way from a shard to the `RefusalDesk`.
///
/// Made of copies: the request is gone by the time anybody reads it. It never holds a header, a query or
/// more of a body than the names of its members, which the answer repeats.
struct RefusedRequest: Sendable {
    /// Bytes kept of a path, and of the answer that says why.
    static let pathBytesMax = 200
    static let reasonBytesMax = 600

    var atMilliseconds: Int64
    var platform: Platform
    /// The source's index, or -1.
    var source: Int
    var status: Int
    var accepted: Int
    var rejected: Int
    /// Refused requests of the same shard since the one before that were counted only.
    var suppressed: Int
    var path: [UInt8]
    var reason: [UInt8]

    /// A path as it is kept: parts that hold anything but letters, digits, `-`, `_`, `.` and `~`, which is what the
    /// paths of platforms are made of, may say who somebody is, and are left out.
    static func path(_ path: Bytes) -> [UInt8] {
        let parts = path[0..<min(path.count, pathBytesMax)].array.split(
            separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return Array(
            parts.map { $0.allSatisfy(ByteBuffer.isUnreserved) ? Array($0) : Array("…".utf8) }.joined(separator: [
                UInt8(ascii: "/")
            ]))
    }

    /// Copies at most `limit` bytes, and not half a character.
    static func cut(_ bytes: Bytes, to limit: Int) -> [UInt8] {
        guard bytes.count > limit else { return bytes.array }
        var end = limit
        while end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
        return bytes[0..<end].array
    }
}
