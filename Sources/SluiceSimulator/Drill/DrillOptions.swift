import SluiceIO

/// What all drills can be told.
package struct DrillOptions: Sendable {
    /// Events a second.
    package var eventsPerSecond: Double = 500
    /// Where configuration, data and log go; nil: a new folder among the temporary files.
    package var folder: String?
    /// Leaves the folder behind.
    package var keepsFolder = false
    /// Prints the ledger as one JSON object, and what happens meanwhile to standard error.
    package var printsJSON = false
    /// Of the traffic and of all that is left to chance.
    package var seed: UInt64
    /// The binary to run as gateway.
    package var executable = "/proc/self/exe"
    /// How long to wait for anything that must happen in the end.
    package var patienceSeconds: Double = 120

    package init(seed: UInt64) { self.seed = seed }
}

/// Why a drill came to no ledger.
package enum DrillError: Error, CustomStringConvertible {
    case demo(DemoError)
    case gateway(GatewayError)
    case system(SystemError)
    /// SIGINT or SIGTERM came.
    case interrupted
    /// Something that must happen did not, in the time there was.
    case stuck(String, log: String)
    /// The log cannot be read.
    case log(String)

    /// A stable name.
    package var label: String {
        switch self {
        case .demo(let error): error.label
        case .gateway: "gateway"
        case .system: "system"
        case .interrupted: "interrupted"
        case .stuck: "stuck"
        case .log: "log"
        }
    }

    package var description: String {
        switch self {
        case .demo(let error): "\(error)"
        case .gateway(let error): "\(error)"
        case .system(let error): "\(error)"
        case .interrupted: "interrupted; the gateway was killed and there is no ledger"
        case .stuck(let what, let log): "this never happened: \(what)\n\(log)"
        case .log(let reason): "the log cannot be read: \(reason)"
        }
    }
}
