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

    /// - Parameters:
    ///   - directory: finds the source of requests that name theirs in the body only.
    ///   - deduplicator: for platforms whose events can have an id of the sender's. Kevel's protocol knows
    ///     none, and impact.com's answer names the event, so that a duplicate would need its original's name.
    init(directory: any SourceDirectory, deduplicator: (any Deduplicator)?) {
        native = NativeDecoder(deduplicator: deduplicator)
        topsort = TopsortDecoder(deduplicator: deduplicator)
        gowit = GowitDecoder(deduplicator: deduplicator, directory: directory)
        vtex = VtexDecoder(directory: directory, deduplicator: deduplicator)
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
