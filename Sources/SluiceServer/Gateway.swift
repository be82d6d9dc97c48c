import Glibc
import Logging
import SluiceCore
import SluiceIO
import SluiceLog

/// The process that `sluice serve` is: pipeline, admin port, signals.
package enum Gateway {
    /// Runs until SIGTERM or SIGINT (or until standard input ends, where asked for), then drains.
    ///
    /// - Parameter stopsAtEndOfInput: for a parent that holds the other end of a pipe: however it
    ///   ends, so does the gateway.
    /// - Returns: the process's exit code; 0 after an orderly stop.
    /// - Throws: whatever kept the gateway from starting, in words for an operator.
    package static func serve(
        _ configuration: Configuration, logger: Logger, stopsAtEndOfInput: Bool = false
    ) throws -> Int32 {
        ProcessSignals.block()
        // Events speak of people: nobody else on the machine reads the data folder.
        umask(0o077)
        let configuration = fitted(configuration, logger)
        let troubleLog = TroubleLog(logger: logger)
        let pipeline = try Pipeline(
            configuration, troubles: PipelineTroubles(troubleLog, destinations: configuration.destinations))
        for notice in pipeline.log.notices {
            logger.log(level: notice.isLoud ? .error : .warning, "\(notice)")
        }
        if let load = pipeline.fingerprintLoad { report(load, logger) }
        warnOfForgottenDestinations(pipeline.log, configuration, logger)

        let collector = StatusCollector(pipeline)
        let metrics = MetricsRegistry()
        metrics.register(ProcessMetrics(startedMilliseconds: WallTime.nowMilliseconds()))
        for shard in pipeline.shards { metrics.register(shard.metrics) }
        metrics.register(
            StatusMetrics(
                readiness: pipeline.readiness, status: { collector.status(hours: AdminRouter.hoursDefault) },
                timings: { collector.timings() }))
        metrics.register(RefusalMetrics(desk: pipeline.refusals, tails: pipeline.tails))
        let desk = ReceiptDesk(pipeline)
        let delivery = pipeline.delivery
        metrics.register(ReplayMetrics(jobs: { delivery.replays() }))
        let replays = ReplayDesk(
            configuration, ask: { delivery.replay($0, reply: $1) }, jobs: { delivery.replays() },
            settle: { delivery.save(then: $0) })
        let router = AdminRouter(
            readiness: pipeline.readiness, metrics: metrics,
            receipts: ReceiptEndpoint { (query) throws(LogError) in try desk.receipts(query) },
            replays: replays, status: { collector.status(hours: $0) })
        let admin = try AdminServer(
            router, on: configuration.admin, folder: pipeline.log.folder.identity, tails: pipeline.tails)
        let adminPort = try admin.start()
        let adminAddress = ListenAddress(host: configuration.admin.host, port: adminPort)

        pipeline.start()
        let runFile = RunFile(folder: configuration.data)
        do {
            try runFile.write(listen: pipeline.addresses, admin: adminAddress)
        } catch {
            // It only helps tools; a full disk is no reason to leave senders without an answer and
            // destinations without their events.
            logger.warning("\(error)")
        }
        logger.notice(
            "listening",
            metadata: [
                "listen": "\(pipeline.addresses.map(\.description).joined(separator: ", "))",
                "admin": "\(adminAddress)", "data": "\(configuration.data)",
                "shards": "\(pipeline.shards.count)", "version": "\(BuildInformation.version)",
            ])

        if stopsAtEndOfInput { EndOfInput.watch() }
        let watch = LogWatch(pipeline.log.stats, pipeline.readiness, troubleLog, logger)
        while true {
            // Wakes now and then to tell of trouble that was counted but not written.
            if let signal = ProcessSignals.waitForTermination(milliseconds: 1000) {
                logger.notice("stopping", metadata: ["signal": "\(signal)"])
                break
            }
            if EndOfInput.hasEnded {
                logger.notice("stopping", metadata: ["reason": "standard input ended"])
                break
            }
            watch.look()
            if pipeline.delivery.isSaveFailing {
                pipeline.readiness.obstruct("state", reason: "cursors cannot be saved")
            } else {
                pipeline.readiness.clear("state")
            }
            troubleLog.flush()
        }
        // Whoever asks twice does not want to wait.
        let impatience = startThread(name: "sluice-signals") {
            while !pipelineIsDone.value {
                if ProcessSignals.waitForTermination(milliseconds: 200) != nil, !pipelineIsDone.value { _exit(1) }
            }
        }
        pipeline.stop()
        pipelineIsDone.set()
        watch.look()
        impatience.join()
        admin.stop()
        runFile.remove()
        troubleLog.flush(all: true)
        logger.notice("stopped")
        return 0
    }

    private static func report(_ load: FingerprintLoad, _ logger: Logger) {
        for damage in load.damage {
            logger.warning("cannot read which events were taken; duplicates of these are taken again: \(damage)")
        }
        logger.info(
            "remembered events",
            metadata: [
                "events": "\(load.fingerprints)", "blocks": "\(load.blocks)",
                "milliseconds": "\(load.milliseconds)",
            ])
    }

    private static let pipelineIsDone = Flag()

    /// A destination that was renamed or taken out leaves its place in the log behind. Its events are due to
    /// nobody any more, which may be meant, or a slip of the pen.
    private static func warnOfForgottenDestinations(
        _ log: EventLog, _ configuration: Configuration, _ logger: Logger
    ) {
        let known = Set(configuration.destinations.map(\.name))
        let stored = (try? log.makeStateReader().destinations()) ?? []
        for name in stored where !known.contains(name) {
            logger.warning(
                "the state file knows a destination that the configuration does not; its events stay undelivered",
                metadata: ["destination": "\(name)"])
        }
    }

    /// The configuration with as many connections as the process may open descriptors for. Each connection is
    /// one; the usual soft limit of 1024 is for programs that use select().
    private static func fitted(_ configuration: Configuration, _ logger: Logger) -> Configuration {
        let shards = configuration.shards(cores: CPUAffinity.allowed.count)
        let needed = configuration.limits.fileDescriptors(
            shards: shards, destinations: configuration.destinations)
        let limit = DescriptorLimit.raise(to: needed)
        guard limit.soft < needed else { return configuration }
        guard configuration.limits.namesConnections else {
            var configuration = configuration
            configuration.limits.lowerConnections(by: needed - limit.soft, shards: shards)
            return configuration
        }
        logger.warning(
            "the limit of open files is below limits.connections; further connections will wait",
            metadata: ["open_files": "\(limit.soft)", "needed": "\(needed)"])
        return configuration
    }
}
