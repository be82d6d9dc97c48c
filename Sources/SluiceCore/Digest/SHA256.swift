import COpenSSL

/// SHA-256 (FIPS 180-4) by OpenSSL, in memory on the stack.
package enum SHA256 {
    package static let bytes = 32

    /// Appends the digest of `message` as 64 lower-case hexadecimal digits.
    package static func appendHex(of message: Bytes, into buffer: inout ByteBuffer) {
        var digest = Digest32()
        // Safety: the message is read within its bounds, and the digest has the 32 bytes that SHA-256
        // writes.
        let done = unsafe digest.fill { unsafe copenssl_sha256(message.base, message.count, $0) == 1 }
        // It computes on the stack; a failure would be OpenSSL's defect.
        precondition(done, "SHA-256 failed")
        buffer.append(hex: digest)
    }
}

/// HMAC-SHA256 (RFC 2104) under one key, message after message.
///
/// Invariant: between messages the context holds the key and nothing else.
/// Owner: the thread that made it.
@safe package final class HMACSHA256 {
    private let context: OpaquePointer

    package init(key: Bytes) {
        // Safety: the key is copied by OpenSSL; the context is freed in deinit only.
        guard let context = unsafe copenssl_hmac_sha256(key.base, key.count) else {
            fatalError("OpenSSL's default provider has no HMAC-SHA256")
        }
        unsafe self.context = context
    }

    deinit {
        // Safety: made in init, never given away.
        unsafe EVP_MAC_CTX_free(context)
    }

    /// Adds a part of the message.
    package func update(_ part: Bytes) {
        // Safety: the context is this object's own; the part is read within its bounds.
        precondition(unsafe EVP_MAC_update(context, part.base, part.count) == 1, "HMAC failed")
    }

    /// Appends the code of all parts since the last call as 64 lower-case hexadecimal digits, and
    /// begins a new message.
    package func finishHex(into buffer: inout ByteBuffer) {
        var code = Digest32()
        var count = 0
        // Safety: the code has the 32 bytes that are announced; a null key means the same key again
        // (EVP_MAC(3): "If key is NULL … the previously set key is reused").
        let done = unsafe code.fill { unsafe EVP_MAC_final(context, $0, &count, SHA256.bytes) == 1 }
        precondition(done && count == SHA256.bytes, "HMAC failed")
        precondition(unsafe EVP_MAC_init(context, nil, 0, nil) == 1, "HMAC failed")
        buffer.append(hex: code)
    }

    /// Appends the code of one whole message as 64 lower-case hexadecimal digits.
    package func appendHex(of message: Bytes, into buffer: inout ByteBuffer) {
        update(message)
        finishHex(into: &buffer)
    }
}

/// A digest's 32 bytes.
private struct Digest32 {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    mutating func fill(_ body: (UnsafeMutablePointer<UInt8>) -> Bool) -> Bool {
        unsafe withUnsafeMutableBytes(of: &words) { raw in
            // Safety: the tuple's 32 bytes are bound to bytes, which any memory may be.
            unsafe body(raw.baseAddress!.assumingMemoryBound(to: UInt8.self))
        }
    }

    /// The byte at `index`, 0 to 31.
    subscript(index: Int) -> UInt8 {
        // Safety: the index is checked by the buffer's subscript in debug and by its one caller.
        unsafe withUnsafeBytes(of: words) { unsafe $0[index] }
    }
}

extension ByteBuffer {
    fileprivate mutating func append(hex digest: Digest32) {
        for index in 0..<SHA256.bytes {
            append(ByteBuffer.hexDigit(digest[index] >> 4))
            append(ByteBuffer.hexDigit(digest[index] & 15))
        }
    }
}
