import SluiceCore

/// A shard's decoders, by platform.
///
/// Owner: the shard thread.
final class DecoderTable {
    private let native: any PlatformDecoder
    private let topsort: any PlatformDecoder

    init() {
        native = NativeDecoder()
        topsort = TopsortDecoder()
    }

    /// Platforms without an inbound side of their own answer in the native form.
    subscript(platform: Platform) -> any PlatformDecoder {
        platform == .topsort ? topsort : native
    }
}
