import SluiceIO

/// What `sluice demo` was asked to do.
package struct DemoOptions: Sendable {
    /// How long traffic is sent; nil: until Ctrl-C.
    package var seconds: Double?
    /// Events a second.
    package var eventsPerSecond: Double = 500
    /// Where configuration, data and log go; nil: a new folder among the temporary files.
    package var folder: String?
    /// Leaves the folder behind.
    package var keepsFolder = false
    /// Prints the books as one JSON object, and nothing else.
    package var printsJSON = false
    /// Of the traffic; a run's ids follow from it.
    package var seed: UInt64
    /// The binary to run as gateway.
    package var executable = "/proc/self/exe"
    /// How long to wait, when traffic has ended, until nothing is pending.
    package var settleSeconds: Double = 60

    package init(seed: UInt64) { self.seed = seed }
}

/// Why a demo came to no books.
package enum DemoError: Error, CustomStringConvertible {
    case folder(String)
    case standIn(ListenError)
    case gateway(GatewayError)
    case noStatus(log: String)

    /// A stable name.
    package var label: String {
        switch self {
        case .folder: "folder"
        case .standIn: "stand_in"
        case .gateway: "gateway"
        case .noStatus: "no_status"
        }
    }

    package var description: String {
        switch self {
        case .folder(let reason): "the demo's folder cannot be used: \(reason)"
        case .standIn(let error): "a stand-in cannot be started: \(error)"
        case .gateway(let error): "\(error)"
        case .noStatus(let log): "the gateway's status cannot be read\n\(log)"
        }
    }
}
