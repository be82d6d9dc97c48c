import CByteScan

/// Begins to fetch the memory at `address`, which will be written to, and does not wait for it. Any address will do:
/// one that is not mapped is ignored.
package func prefetch(_ address: UnsafeRawPointer) {
    // Safety: a hint; nothing is read.
    unsafe cbytescan_prefetch(address)
}
