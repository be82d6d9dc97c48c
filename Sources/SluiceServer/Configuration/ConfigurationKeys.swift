import SluiceCore

/// Every key the configuration knows, by the mapping it stands in.
package enum ConfigurationKeys {
    package static let root = [
        "listen", "admin", "data", "workers", "acknowledge", "drain", "log_format", "log_level", "log",
        "deduplicate", "limits", "hosts", "sources", "destinations",
    ]
    package static let deduplicate = ["age", "events"]
    package static let log = ["compression", "segment", "retain"]
    package static let segment = ["size", "age"]
    package static let retain = ["age", "size", "hard_size"]
    package static let limits = [
        "body", "inflated", "head", "connections", "head_timeout", "body_timeout", "idle_timeout",
        "pipelined", "receive_memory", "answer_memory", "recent_blocks",
    ]
    package static let source = [
        "name", "id", "keys", "accounts", "origins", "acknowledge", "open", "lenient", "ip",
    ]
    package static let retry = ["for"]

    /// Platforms that find a source by its account with them.
    package static let accountPlatforms: [Platform] = [.gowit, .vtex, .kevel, .impact]

    /// Keys every destination may have.
    package static let destination = [
        "name", "platform", "url", "events", "sources", "networks", "batch", "concurrency", "rate",
        "timeout", "retry", "ambiguous", "gpc", "start", "gzip", "ca_file", "headers",
    ]

    /// Keys a platform's destinations must have besides, and keys they may have.
    package static func destination(_ platform: Platform) -> (required: [String], optional: [String]) {
        switch platform {
        case .native: ([], [])
        case .topsort: (["token"], [])
        case .gowit: (["token", "data_source", "marketplace_id"], ["auto_impression"])
        case .vtex: (["publisher_id"], [])
        case .kevel: (["network_id"], [])
        case .impact: (["account_sid", "token", "campaign_id", "event_type_id"], [])
        case .webhook: ([], ["secret", "token"])
        }
    }
}
