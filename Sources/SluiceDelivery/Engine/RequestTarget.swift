import SluiceCore

/// The URL that a path makes at a destination, kept for the next request with the same path.
///
/// Invariant: `url` is what `path` makes, once `take` has said yes.
struct RequestTarget {
    private var path: [UInt8] = []
    private(set) var url = ""

    /// Makes the URL of a path. False when the path holds what cannot be sent.
    mutating func take(_ path: Bytes, _ configuration: DestinationConfiguration) -> Bool {
        if !url.isEmpty, self.path.withBytes({ path.equals($0) }) { return true }
        for index in 0..<path.count where path[index] <= 0x20 || path[index] >= 0x7F { return false }
        self.path = path.array
        url = configuration.requestURL(path: path)
        return true
    }
}
