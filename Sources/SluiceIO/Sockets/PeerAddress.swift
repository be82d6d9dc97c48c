import CLinuxIO
import SluiceCore

/// A numeric Internet address with its port.
package struct PeerAddress: Equatable, Sendable {
    /// The address's bytes in network order, from the most significant of `high` on. IPv4 has four.
    package let high: UInt64
    package let low: UInt64
    package let isV6: Bool
    package let port: UInt16
    /// The interface of a link-local IPv6 address, or 0.
    let scope: UInt32

    init(_ native: clio_address) {
        var copy = native.bytes
        // Safety: the tuple is 16 plain bytes.
        (high, low) = unsafe withUnsafeBytes(of: &copy) { bytes in
            unsafe (
                UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
        isV6 = native.is_v6 != 0
        port = native.port
        scope = native.scope
    }

    /// Nil unless `text` is an IPv4 or IPv6 address as inet_pton(3) reads it.
    package init?(numeric text: String, port: UInt16) {
        var native = clio_address()
        // Safety: `text` is passed as a terminated C string; `native` outlives the call.
        guard !text.utf8.contains(0), unsafe clio_parse_numeric(text, &native) == 0 else { return nil }
        native.port = port
        self.init(native)
    }

    var native: clio_address {
        var result = clio_address()
        // Safety: the tuple is 16 plain bytes.
        unsafe withUnsafeMutableBytes(of: &result.bytes) { bytes in
            unsafe bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
            unsafe bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        result.is_v6 = isV6 ? 1 : 0
        result.port = port
        result.scope = scope
        return result
    }

    /// Whether the address can be reached from this machine only.
    package var isLoopback: Bool {
        isV6 ? high == 0 && low == 1 : high >> 56 == 127
    }

    /// The address without its last bytes: IPv4 keeps /24, IPv6 keeps /48. The port is dropped.
    package var truncated: PeerAddress {
        PeerAddress(
            high: isV6 ? high & 0xFFFF_FFFF_FFFF_0000 : high & 0xFFFF_FF00_0000_0000, isV6: isV6)
    }

    private init(high: UInt64, isV6: Bool) {
        self.high = high
        self.low = 0
        self.isV6 = isV6
        self.port = 0
        self.scope = 0
    }

    /// Appends the address as text, without port and brackets, at most 45 bytes. Allocates nothing.
    package func append(into buffer: inout ByteBuffer) {
        var native = self.native
        // Safety: INET6_ADDRSTRLEN is 46; the call writes at most the room it is told of.
        unsafe buffer.appendUnsafe(room: 48) { (place: UnsafeMutablePointer<UInt8>) -> Int in
            unsafe place.withMemoryRebound(to: CChar.self, capacity: 48) { text in
                max(0, Int(unsafe clio_format_address(&native, text, 48)))
            }
        }
    }

    /// The address without its port. Allocates.
    package var text: String {
        var buffer = ByteBuffer(capacity: 48)
        append(into: &buffer)
        return buffer.bytes.string
    }
}
