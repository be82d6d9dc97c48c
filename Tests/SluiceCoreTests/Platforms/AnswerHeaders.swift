import SluiceCore

/// Headers of an answer as a test has them.
final class AnswerHeaders: UpstreamHeaders {
    private let list: [(name: String, value: String)]

    init(_ list: [(name: String, value: String)]) { self.list = list }

    func header(_ name: String) -> String? { list.first { $0.name == name }?.value }
}

extension UpstreamAnswer {
    init(status: Int, body: [UInt8] = [], headers: [(name: String, value: String)]) {
        self.init(status: status, body: body, headers: AnswerHeaders(headers))
    }
}
