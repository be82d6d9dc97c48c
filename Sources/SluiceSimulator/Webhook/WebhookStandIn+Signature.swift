import SluiceCore

extension WebhookStandIn {
    /// The `v1` of a signature: HMAC-SHA256 over `<seconds>.<body>` in lower-case hex.
    ///
    /// The digest itself is OpenSSL's; what it is taken of is put together here once more.
    package static func signature(secret: String, seconds: Int64, body: [UInt8]) -> String {
        var hex = ByteBuffer(capacity: 64)
        let message = Array("\(seconds).".utf8) + body
        Array(secret.utf8).withBytes { key in
            let digest = HMACSHA256(key: key)
            message.withBytes { digest.appendHex(of: $0, into: &hex) }
        }
        return hex.bytes.string
    }

    /// The content of a gzip body; nil when it is damaged or too large.
    static func inflate(_ body: [UInt8]) -> [UInt8]? {
        let decompressor = ZlibDecompressor(format: .gzip)
        var content = ByteBuffer(capacity: 64 << 10)
        do throws(CompressionError) {
            try body.withBytes { (bytes) throws(CompressionError) in
                try decompressor.inflate(bytes, limit: inflatedBytesMax, into: &content)
            }
        } catch {
            return nil
        }
        return content.bytes.array
    }
}
