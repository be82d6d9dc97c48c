import CISAL

/// CRC-32C (Castagnoli), as in RFC 3720, appendix B.4: "123456789" gives 0xE3069283.
///
/// - Parameter previous: the checksum of the bytes before, to go on from there.
package func crc32c(_ bytes: Bytes, continuing previous: UInt32 = 0) -> UInt32 {
    // ISA-L computes the bare remainder. The standard starts from all ones and inverts the result;
    // inverting the previous one gives back the state it came from.
    var state = ~previous
    var done = 0
    repeat {
        // ISA-L counts in a C int.
        let part = min(bytes.count - done, Int(Int32.max))
        // Safety: covers done..<done + part of the view; ISA-L's pointer is not const, but it only reads.
        state = unsafe crc32_iscsi(UnsafeMutablePointer(mutating: bytes.base + done), Int32(part), state)
        done += part
    } while done < bytes.count
    return ~state
}
