import CXXHash

/// XXH3-64 of `bytes` under `seed`: fast and well spread, not safe against an adversary.
///
/// The values are part of the log's format (the filters over ids), so the function can never
/// change.
package func hash64(_ bytes: Bytes, seed: UInt64 = 0) -> UInt64 {
    // Safety: reads exactly the bytes of the view.
    unsafe XXH3_64bits_withSeed(bytes.base, bytes.count, seed)
}
