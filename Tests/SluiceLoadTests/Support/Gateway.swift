import Foundation
import Logging
import SluiceServer

/// A whole gateway in this process, on a port and in a folder of its own.
///
/// Owner: one test.
final class Gateway {
    let data: String
    private let pipeline: Pipeline
    private var isStopped = false

    var port: UInt16 { pipeline.addresses[0].port }

    /// - Parameter deduplicate: as in a configuration.
    init(deduplicate: String = "{events: 100000, age: 1h}") throws {
        data = FileManager.default.temporaryDirectory.path + "/sluice-load-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        let text = """
            listen: ["127.0.0.1:0"]
            admin: "127.0.0.1:0"
            data: \(data)
            workers: 2
            sources: [{name: load}]
            deduplicate: \(deduplicate)
            """
        let configuration = try ConfigurationLoader.parse(
            text, file: nil, options: ConfigurationOptions(environment: [:]))
        let silence = TroubleLog(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        pipeline = try Pipeline(configuration, troubles: PipelineTroubles(silence, destinations: []))
        pipeline.start()
    }

    deinit {
        stop()
        try? FileManager.default.removeItem(atPath: data)
    }

    func stop() {
        guard !isStopped else { return }
        isStopped = true
        pipeline.stop()
    }
}
