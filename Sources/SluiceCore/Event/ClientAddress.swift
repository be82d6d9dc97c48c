#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What becomes of a client's IP address, by the wish of its source.
package enum AddressPolicy: String, Sendable, CaseIterable {
    /// IPv4 to /24, IPv6 to /48.
    case truncate
    case full
    case drop
}

/// An IP address that names a client. By default only its network is written: /24 of IPv4, /48 of IPv6.
@safe package struct ClientAddress {
    private var octets = InlineArray<16, UInt8>(repeating: 0)
    private let isIPv4: Bool

    /// Reads an address as text; an IPv4 address inside of IPv6 (`::ffff:192.0.2.1`) is read as
    /// IPv4. Nil for anything else, zone ids included.
    package init?(_ text: Bytes) {
        guard text.count >= 2, text.count < 46 else { return nil }
        // inet_pton reads a C string: copied, so that it ends.
        var copy = InlineArray<46, CChar>(repeating: 0)
        for index in 0..<text.count {
            guard text[index] != 0 else { return nil }
            copy[index] = CChar(bitPattern: text[index])
        }
        let family = text.firstIndex(of: 0x3A) == nil ? AF_INET : AF_INET6
        var result = InlineArray<16, UInt8>(repeating: 0)
        let code = unsafe withUnsafePointer(to: &copy) { source in
            unsafe withUnsafeMutablePointer(to: &result) { target in
                // Safety: 46 bytes ended by zero, and room for 16 bytes; inet_pton writes 4 or 16.
                unsafe inet_pton(family, UnsafeRawPointer(source).assumingMemoryBound(to: CChar.self), target)
            }
        }
        guard code == 1 else { return nil }
        var isMapped = family == AF_INET6 && result[10] == 0xFF && result[11] == 0xFF
        if isMapped {
            for index in 0..<10 where result[index] != 0 { isMapped = false }
        }
        if isMapped {
            for index in 0..<4 { octets[index] = result[12 + index] }
        } else {
            octets = result
        }
        isIPv4 = family == AF_INET || isMapped
    }

    /// Appends the network's address: `203.0.113.0`, `2001:db8:1::`.
    package func appendTruncated(into out: inout ByteBuffer) {
        if isIPv4 {
            for index in 0..<3 {
                out.appendDecimal(Int(octets[index]))
                out.append(0x2E)
            }
            out.append(0x30)
            return
        }
        // The last five groups are zero, so they are the longest run and "::" stands for them and
        // for the zero groups right before them (RFC 5952).
        var groups = 3
        while groups > 0, octets[groups * 2 - 2] == 0, octets[groups * 2 - 1] == 0 { groups -= 1 }
        for group in 0..<groups {
            if group > 0 { out.append(0x3A) }
            appendGroup(UInt16(octets[group * 2]) << 8 | UInt16(octets[group * 2 + 1]), into: &out)
        }
        out.append("::")
    }

    private func appendGroup(_ value: UInt16, into out: inout ByteBuffer) {
        var shift = 12
        while shift > 0, value >> UInt16(shift) == 0 { shift -= 4 }
        while shift >= 0 {
            out.append(ByteBuffer.hexDigit(UInt8(truncatingIfNeeded: value >> UInt16(shift)) & 15))
            shift -= 4
        }
    }
}
