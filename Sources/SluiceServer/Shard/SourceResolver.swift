import SluiceCore
import SluiceIO

/// Finds the source of the one request that is being decoded, where only its body names it.
///
/// Invariant: `source` is that of the current request, or nil. Owner: the shard thread.
final class SourceResolver: SourceDirectory {
    /// What a source that is found decides about the request besides.
    private struct Asked {
        var pageOrigin: Bytes
        var peer: PeerAddress?
        var isAssumed: Bool
    }

    private let sources: SourceTable
    private var asked: Asked?
    private var addressText = ByteBuffer(capacity: 64)
    private(set) var source: SourceEntry?

    init(_ sources: SourceTable) { self.sources = sources }

    /// A request begins.
    ///
    /// - Parameters:
    ///   - source: who sent it, where the head tells or lets it be assumed.
    ///   - isAssumed: an account in the body decides instead.
    ///   - pageOrigin: the header `Origin`.
    ///   - peer: the person's address; nil where the request comes from a backend.
    func begin(_ source: SourceEntry?, isAssumed: Bool = false, pageOrigin: Bytes, peer: PeerAddress?) {
        // Most requests are of the same source as the one before.
        if self.source !== source { self.source = source }
        asked = Asked(pageOrigin: pageOrigin, peer: peer, isAssumed: isAssumed)
    }

    func resolve(platform: Platform, account: Bytes, into origin: inout RequestOrigin) -> Bool {
        guard let asked, source == nil || asked.isAssumed,
            let entry = sources.find(account: account, platform: platform),
            asked.pageOrigin.isEmpty || entry.allows(origin: asked.pageOrigin)
        else { return false }
        source = entry
        origin.sourceName = entry.nameBytes
        origin.sourceHash = entry.hash
        origin.lenient = entry.lenient
        origin.addressPolicy = entry.address
        origin.address = address(of: asked.peer, entry.address)
        return true
    }

    /// A client's address as the source wants it stored; the view ends with the next call.
    func address(of peer: PeerAddress?, _ policy: AddressPolicy) -> Bytes {
        addressText.removeAll()
        switch policy {
        case .truncate: peer?.truncated.append(into: &addressText)
        case .full: peer?.append(into: &addressText)
        case .drop: break
        }
        return addressText.bytes
    }
}
