import Foundation

/// Where a demo keeps configuration, data and log.
struct DemoFolder {
    let path: String
    /// Whether this run made it, and so may remove it as a whole.
    let isOurs: Bool

    var configuration: String { path + "/sluice.yaml" }
    var data: String { path + "/data" }
    var log: String { path + "/gateway.log" }

    /// Takes `path`, which must be empty or absent, or makes a new folder among the temporary files.
    init(path: String?) throws(DemoError) {
        let files = FileManager.default
        if let path {
            let found = (try? files.contentsOfDirectory(atPath: path)) ?? []
            guard found.isEmpty else { throw .folder("\(path) is not empty") }
            isOurs = !files.fileExists(atPath: path)
            self.path = URL(fileURLWithPath: path).path
        } else {
            self.path = files.temporaryDirectory.path + "/sluice-demo-" + UUID().uuidString.lowercased()
            isOurs = true
        }
        do {
            try files.createDirectory(
                atPath: self.path, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw .folder("\(self.path) cannot be made: \(Self.reason(error as NSError))")
        }
    }

    /// A sentence; what Foundation says of an error by itself is a dump.
    private static func reason(_ error: NSError) -> String {
        error.localizedFailureReason ?? error.localizedDescription
    }

    /// Writes the gateway's configuration, readable by its owner only: it holds keys.
    func write(configuration text: String) throws(DemoError) {
        guard
            FileManager.default.createFile(
                atPath: configuration, contents: Data(text.utf8),
                attributes: [.posixPermissions: 0o600])
        else { throw .folder("cannot write \(configuration)") }
    }

    /// Removes what the demo made.
    func remove() {
        let files = FileManager.default
        if isOurs {
            try? files.removeItem(atPath: path)
        } else {
            for item in [configuration, data, log] { try? files.removeItem(atPath: item) }
        }
    }
}
