import SluiceCore

/// A shard's decoders, by platform.
///
/// Owner: the shard thread.
package final class DecoderTable {
    private let native: any PlatformDecoder
    private let topsort: any PlatformDecoder
    private let gowit: any PlatformDecoder
    private let vtex: any PlatformDecoder
    private let kevel: any PlatformDecoder
    private let impact: any PlatformDecoder

    /// Platforms whose clients can be served.
    package static let platforms: Set<Platform> = [.native, .topsort, .gowit, .vtex, .kevel, .impact]

    /// - Parameter directory: finds the source of requests that name theirs in the body only.
    init(directory: any SourceDirectory) {
        native = NativeDecoder()
        topsort = TopsortDecoder()
        gowit = GowitDecoder(directory: directory)
        vtex = VtexDecoder(directory: directory)
        kevel = KevelDecoder()
        impact = ImpactDecoder()
    }

    /// Platforms without an inbound side of their own answer in the native form.
    subscript(platform: Platform) -> any PlatformDecoder {
        switch platform {
        case .native, .webhook: native
        case .topsort: topsort
        case .gowit: gowit
        case .vtex: vtex
        case .kevel: kevel
        case .impact: impact
        }
    }
}
