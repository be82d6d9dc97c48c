import SluiceCore
import SluiceDelivery
import SluiceIO
import SluiceLog

// How the configuration reads to each stage.

extension LogConfiguration {
    package init(_ configuration: Configuration) {
        self.init()
        compression = configuration.log.compression
        segmentBytes = configuration.log.segmentBytes
        segmentAgeSeconds = max(1, configuration.log.segmentAgeMilliseconds / 1000)
        retention = RetentionLimits(
            ageSeconds: max(1, configuration.log.retainAgeMilliseconds / 1000),
            bytes: Int64(configuration.log.retainBytes),
            hardBytes: Int64(configuration.log.retainHardBytes))
        // Half for blocks as stored, half for those that several destinations read at once.
        recentBytes = configuration.limits.recentBlocksBytes / 2
        decodedBytes = configuration.limits.recentBlocksBytes / 2
        writtenBy = "sluice " + BuildInformation.version
    }
}

extension EdgeLimits {
    /// One shard's part of what all of them may hold.
    package init(_ limits: Limits, shards: Int) {
        self.init(
            headBytes: limits.headBytes, bodyBytes: limits.bodyBytes,
            connections: max(1, limits.connections / shards),
            headTimeoutMilliseconds: limits.headTimeoutMilliseconds,
            bodyTimeoutMilliseconds: limits.bodyTimeoutMilliseconds,
            idleTimeoutMilliseconds: limits.idleTimeoutMilliseconds,
            receiveMemoryBytes: limits.receiveMemoryBytes / shards,
            pipelinedRequests: limits.pipelinedRequests,
            pendingAnswerBytes: Limits.connectionAnswerBytes,
            answerMemoryBytes: limits.answerMemoryBytes / shards)
    }
}

extension DeliveryOptions {
    package static func sluice(_ log: EventLog) -> DeliveryOptions {
        var options = DeliveryOptions()
        options.stateWasLost = log.stateWasLost
        options.userAgent = "Sluice/" + BuildInformation.version
        return options
    }
}

extension ReplayParts {
    /// - Parameter only: the one job that runs, without live delivery.
    package init(log: EventLog, store: any ReplayStore, only: Int64? = nil) {
        self.init(
            store: store, only: only,
            open: { (job) throws(DeliveryStateError) in
                do throws(LogError) {
                    return try log.makeReplaySource(received: job.spec.received, segment: job.spec.segment)
                } catch {
                    throw DeliveryStateError(reason: error.description)
                }
            },
            hold: { job, block in
                let name = "replay \(job)"
                if let block { log.holds.hold(name, from: block) } else { log.holds.release(name) }
            })
    }
}

extension DestinationConfiguration {
    package init(_ settings: DestinationSettings) {
        self.init(name: settings.name, platform: settings.platform, url: settings.url.description)
        token = settings.token?.reveal()
        secret = settings.secret?.reveal()
        dataSource = settings.dataSource
        marketplaceID = settings.marketplaceID
        autoImpression = settings.autoImpression
        publisherID = settings.publisherID
        networkID = settings.networkID
        accountSID = settings.accountSID
        campaignID = settings.campaignID.map(String.init)
        eventTypeID = settings.eventTypeID.map(String.init)
        headers = settings.headers.map {
            SluiceDelivery.DestinationHeader(name: $0.name, value: $0.value.reveal())
        }
        // Topsort's token goes into its own header; a webhook has no form of its own for one.
        if settings.platform == .webhook, let token {
            headers.append(.init(name: "Authorization", value: "Bearer " + token))
        }
        rules = DeliveryRules(
            events: settings.events, sources: settings.sources, networks: settings.networks)
        batch = settings.batch
        concurrency = settings.concurrency
        rate = settings.rate.map {
            DeliveryRate(amount: $0.requests, periodMilliseconds: $0.period.seconds * 1000)
        }
        timeoutMilliseconds = settings.timeoutMilliseconds
        retryForSeconds = settings.retryForMilliseconds / 1000
        start = settings.start == .latest ? .latest : .earliest
        parksAmbiguous = settings.ambiguous == .park
        gzip = settings.gzip
        caFile = settings.caFile
    }
}

/// The platforms that events can be delivered to.
package enum Encoders {
    /// What `platform:` of a destination may say.
    package static let platforms: Set<Platform> = [.topsort, .gowit, .vtex, .kevel, .impact, .webhook]

    package static func make(for settings: DestinationSettings) -> any PlatformEncoder {
        switch settings.platform {
        case .topsort: TopsortEncoder()
        case .webhook: WebhookEncoder(gzip: settings.gzip, secret: settings.secret?.reveal())
        case .gowit:
            GowitEncoder(
                marketplaceID: settings.marketplaceID ?? "", forwardsImpressions: !settings.autoImpression)
        case .vtex: VtexEncoder(publisherID: settings.publisherID ?? "")
        case .kevel: KevelEncoder(networkID: settings.networkID ?? "")
        case .impact:
            ImpactEncoder(
                accountSID: settings.accountSID ?? "", campaignID: settings.campaignID ?? 0,
                eventTypeID: settings.eventTypeID ?? 0, otherAccounts: settings.otherAccounts)
        case .native:
            preconditionFailure("the configuration refuses platforms without an encoder")
        }
    }
}

/// What goes wrong again and again, each in its own rate-limited kind of log line.
package final class PipelineTroubles: Sendable {
    private let log: TroubleLog
    private let kinds: [String: TroubleKind]

    package init(_ log: TroubleLog, destinations: [DestinationSettings]) {
        self.log = log
        var kinds: [String: TroubleKind] = [:]
        // One kind per destination and label: a noisy destination does not silence another.
        for destination in destinations {
            for label in DeliveryTrouble.all {
                kinds["\(destination.name)/\(label)"] = log.kind(
                    "\(label)", metadata: ["destination": "\(destination.name)"])
            }
        }
        // What concerns all destinations at once comes without a name.
        for label in DeliveryTrouble.all { kinds["/\(label)"] = log.kind("\(label)") }
        self.kinds = kinds
    }

    package var delivery: TroubleHandler {
        { [self] kind, destination, message in
            kinds["\(destination)/\(kind)"]?.report(message)
        }
    }
}
