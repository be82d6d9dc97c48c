import SluiceLog

/// The gateway that works on a data folder, found in the same way by every command.
///
/// The folder's lock says whether there is one; `run.json` in it, and else the configuration, say where it
/// may be asked. Whoever answers there must name the folder as its own (`FolderGateway.header`): what a killed
/// gateway left, or a configuration's default, may be the address of another gateway by now.
package enum FolderGateway: Sendable, Equatable {
    /// No process owns the folder: what lies in it is all there is to know.
    case none
    /// It may be asked here.
    case answering(Endpoint)
    /// Some process owns the folder, or may, but none says so at its admin port; in words for people.
    case silent(String)

    /// Which folder an answer of the admin port speaks of.
    package static let header = "Sluice-Folder"

    /// - Parameters:
    ///   - folder: the data folder.
    ///   - configured: the configuration's admin address; nil where there is none to try.
    ///   - timeoutMilliseconds: for each address that is tried.
    package static func find(
        folder: String, configured: Endpoint?, timeoutMilliseconds: Int = 5000
    ) -> FolderGateway {
        let place = DataFolder(folder)
        let account: String
        switch place.owner {
        case .nobody: return .none
        case .process(let id):
            account = "the data folder \(folder) is in use by \(id.map { "process \($0)" } ?? "a process")"
        case .unknown(let reason):
            account = "it cannot be told whether a gateway works on \(folder): \(reason)"
        }
        var candidates = [RunFile(folder: folder).admin()].compactMap { $0 }
        if let configured, configured.port != 0, !candidates.contains(configured) { candidates.append(configured) }
        var tried: [String] = []
        for endpoint in candidates {
            switch probe(endpoint, place.identity, timeoutMilliseconds) {
            case nil: return .answering(endpoint)
            case let reason?: tried.append(reason)
            }
        }
        if tried.isEmpty { tried.append("it has not said where its admin port is") }
        return .silent("\(account), but no gateway answers for it: \(tried.joined(separator: "; "))")
    }

    /// Nil when the gateway there works on the folder, else why it is not asked.
    private static func probe(_ endpoint: Endpoint, _ identity: String?, _ timeoutMilliseconds: Int) -> String? {
        do throws(AdminClientError) {
            let answer = try AdminClient.get(
                endpoint, path: "/healthz", timeoutMilliseconds: timeoutMilliseconds, bytesMax: 64 << 10)
            guard let folder = answer.headers[header.lowercased()] else {
                return "what listens at \(endpoint) is not a gateway's admin port"
            }
            return folder == identity ? nil : "the gateway at \(endpoint) works on another folder"
        } catch {
            return error.message.contains("\(endpoint)") ? error.message : "\(endpoint): \(error.message)"
        }
    }
}

/// What a command was told of where to look.
package struct CommandPlace: Sendable {
    /// An address that was named: then only that one is asked, whatever folder it works on.
    package var admin: Endpoint?
    package var folder: String
    package var configured: Endpoint
    /// The configured destinations, in their order.
    package var destinations: [(name: String, platform: String)]

    package struct Failure: Error, Equatable {
        package var message: String
    }

    /// - Parameters:
    ///   - admin: an address instead of the configuration's.
    ///   - file: the configuration file, if one was named.
    package init(
        admin: String?, file: String?, standardFiles: [String] = ConfigurationLoader.standardFiles,
        options: ConfigurationOptions
    ) throws(Failure) {
        do throws(FormError) {
            self.admin = try admin.map { (text) throws(FormError) in try Endpoint.parse(text) }
        } catch {
            throw Failure(message: "--admin: '\(admin ?? "")' \(error.message)")
        }
        // With an address, nothing depends on a configuration, which may lie on another machine.
        if self.admin != nil {
            let defaults = Configuration()
            (folder, configured, destinations) = (defaults.data, defaults.admin, [])
            return
        }
        do throws(ConfigurationError) {
            let known = try ConfigurationLoader.onDisk(
                file: file, standardFiles: standardFiles, options: options)
            folder = known.data
            configured = known.admin
            destinations = known.destinations
        } catch {
            throw Failure(message: error.description)
        }
    }

    /// Whom to ask.
    package func gateway(timeoutMilliseconds: Int = 5000) -> FolderGateway {
        if let admin { return .answering(admin) }
        return FolderGateway.find(
            folder: folder, configured: configured, timeoutMilliseconds: timeoutMilliseconds)
    }
}
