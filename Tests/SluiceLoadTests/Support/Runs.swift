import Glibc
import SluiceLoad

/// A run against loopback that is over in a fraction of a second.
func shortOrder(port: UInt16, path: String = "") throws -> LoadOrder {
    let text = "http://127.0.0.1:\(port)\(path)"
    var order = LoadOrder(url: try TargetURL(text), urlText: text, seed: UInt64.random(in: 0...UInt64.max))
    order.plan.connections = 4
    order.plan.seconds = 0.3
    order.plan.warmUpSeconds = 0
    order.plan.timeoutSeconds = 5
    order.stepSeconds = 0.2
    return order
}

/// Runs it to its end; `interruptAfter`: as if somebody pressed Ctrl-C after so many of its looks.
func run(_ order: LoadOrder, interruptAfter looks: Int = .max) throws -> LoadReport {
    var looked = 0
    let session = try LoadSession(
        order,
        isInterrupted: { milliseconds in
            sleepMilliseconds(milliseconds)
            looked += 1
            return looked >= looks
        }, onProgress: { _ in })
    return try session.report()
}

private func sleepMilliseconds(_ milliseconds: Int) {
    usleep(UInt32(milliseconds) * 1000)
}
