import Glibc
import SluiceCore
import Yams

/// What a configuration is checked against besides itself.
package struct ConfigurationOptions: Sendable {
    package var environment: [String: String]
    /// Platforms whose clients can be served.
    package var inbound: Set<Platform>
    /// Platforms that can be delivered to.
    package var outbound: Set<Platform>
    /// What a destination can do about requests without an answer, and about Global Privacy Control. A
    /// word that delivery does not keep is refused: whoever wrote `withhold` relies on it.
    package var ambiguous: Set<AmbiguousPolicy>
    package var privacy: Set<PrivacyPolicy>
    /// Processors; decides how many shards `workers: 0` means.
    package var cores: Int
    package var fileIsReadable: @Sendable (String) -> Bool

    package init(
        environment: [String: String], inbound: Set<Platform> = DecoderTable.platforms,
        outbound: Set<Platform> = Encoders.platforms,
        ambiguous: Set<AmbiguousPolicy> = [.retry, .park], privacy: Set<PrivacyPolicy> = [.send],
        cores: Int = ConfigurationOptions.onlineCores,
        fileIsReadable: @escaping @Sendable (String) -> Bool = { path in
            // Safety: the path is lent for the call.
            unsafe access(path, R_OK) == 0
        }
    ) {
        self.environment = environment
        self.inbound = inbound
        self.outbound = outbound
        self.ambiguous = ambiguous
        self.privacy = privacy
        self.cores = max(1, cores)
        self.fileIsReadable = fileIsReadable
    }

    /// Processors this process may run on.
    package static var onlineCores: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
}

/// Finds, reads and checks the configuration.
package enum ConfigurationLoader {
    /// Where a configuration is looked for when none is named, in this order.
    package static let standardFiles = ["./sluice.yaml", "/etc/sluice/sluice.yaml"]

    /// Loads `file`, else the first standard file there is, else the defaults.
    package static func load(
        file: String?, standardFiles: [String] = standardFiles, options: ConfigurationOptions
    ) throws(ConfigurationError) -> Configuration {
        guard let (name, text) = try read(file: file, standardFiles: standardFiles) else {
            return try parse("", file: nil, options: options)
        }
        return try parse(text, file: name, options: options)
    }

    /// What of a configuration tells where a gateway is, and what it left.
    package struct OnDisk {
        package var data: String
        package var admin: Endpoint
        package var destinations: [(name: String, platform: String)]

        init(_ configuration: Configuration) {
            data = configuration.data
            admin = configuration.admin
            destinations = configuration.destinations.map { ($0.name, "\($0.platform.name)") }
        }
    }

    /// Data folder, admin address and destinations, whatever else may be wrong: so that a running gateway can
    /// be asked, and what lies on the disk be looked at, without the gateway's secrets in the environment.
    package static func onDisk(
        file: String?, standardFiles: [String] = standardFiles, options: ConfigurationOptions
    ) throws(ConfigurationError) -> OnDisk {
        guard let (name, text) = try read(file: file, standardFiles: standardFiles) else {
            return OnDisk(Configuration())
        }
        let (configuration, problems) = try examine(text, file: name, options: options)
        let own = problems.filter { $0.key == "data" || $0.key == "admin" }
        guard own.isEmpty else { throw ConfigurationError(problems: own) }
        return OnDisk(configuration)
    }

    /// Checks a document. `file` is the name problems are reported under.
    package static func parse(
        _ text: String, file: String?, options: ConfigurationOptions
    ) throws(ConfigurationError) -> Configuration {
        let (configuration, problems) = try examine(text, file: file, options: options)
        guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
        return configuration
    }

    private static func examine(
        _ text: String, file: String?, options: ConfigurationOptions
    ) throws(ConfigurationError) -> (Configuration, [ConfigurationProblem]) {
        let document = try YAMLDocument.parse(text, file: file)
        let reader = ConfigurationReader(
            file: file, environment: options.environment, duplicates: document.duplicates)
        var configuration = ConfigurationParser(reader: reader, options: options).parse(document.root)
        configuration.warnings = reader.warnings
        let problems = reader.problems.enumerated().sorted {
            ($0.element.line, $0.element.column, $0.offset) < ($1.element.line, $1.element.column, $1.offset)
        }
        return (configuration, problems.map(\.element))
    }

    /// The named file, or the first standard file there is; nil when there is none.
    private static func read(
        file: String?, standardFiles: [String]
    ) throws(ConfigurationError) -> (name: String, text: String)? {
        if let file { return (file, try contents(file)) }
        for candidate in standardFiles where exists(candidate) {
            return (candidate, try contents(candidate))
        }
        return nil
    }

    private static func exists(_ path: String) -> Bool {
        // Safety: the path is lent for the call.
        unsafe access(path, F_OK) == 0
    }

    private static func contents(_ path: String) throws(ConfigurationError) -> String {
        func failure(_ message: String) -> ConfigurationError {
            ConfigurationError(problems: [ConfigurationProblem(file: path, message: message)])
        }
        let bytes: [UInt8]
        do {
            bytes = try SmallFile.read(path, max: Limits.configurationFileBytes)
        } catch {
            throw failure(error.message)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw failure("is not UTF-8 text") }
        return text
    }
}
