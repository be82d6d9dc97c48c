/// A request as a stand-in got it: whole, its framing gone.
package struct StandInRequest: Sendable {
    package var method: String
    /// As sent, still percent-encoded, beginning with `/`.
    package var path: String
    /// Behind `?`, still percent-encoded; empty when there is none.
    package var query: String
    /// Names in lower case, in the order of arrival.
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]

    package init(
        method: String, path: String, query: String = "",
        headers: [(name: String, value: String)] = [], body: [UInt8] = []
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
    }

    /// The value of the first header with this lower-case name.
    package func header(_ name: String) -> String? {
        headers.first { $0.name == name }?.value
    }

    /// The media type in lower case, without parameters; empty when there is none.
    package var mediaType: String {
        let value = header("content-type") ?? ""
        let type = value.prefix { $0 != ";" }
        return type.filter { $0 != " " && $0 != "\t" }.lowercased()
    }
}

/// What a stand-in answers.
package struct StandInAnswer: Sendable {
    package var status: Int
    /// Without Content-Length, which the server adds.
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]

    package init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// An answer whose body is JSON text.
    package static func json(
        status: Int, _ text: String, headers: [(name: String, value: String)] = []
    ) -> StandInAnswer {
        StandInAnswer(
            status: status, headers: [("content-type", "application/json")] + headers,
            body: Array(text.utf8))
    }
}

/// What the server does with a request.
package enum StandInReply: Sendable {
    case answer(StandInAnswer, afterMilliseconds: Int)
    /// Closes the connection with RST and no answer.
    case reset(afterMilliseconds: Int)
    /// Never answers; the client gives up first, or the stand-in stops.
    case hang
}

/// What a platform made of a request.
package struct Judgement: Sendable {
    package var answer: StandInAnswer
    /// The ids of the events it took, one entry per event; empty when it took none.
    package var recorded: [String]
    /// Why it took none, for people; nil when it took the request.
    package var refusal: String?

    package static func taken(_ ids: [String], answer: StandInAnswer) -> Judgement {
        Judgement(answer: answer, recorded: ids, refusal: nil)
    }

    package static func refused(_ reason: String, answer: StandInAnswer) -> Judgement {
        Judgement(answer: answer, recorded: [], refusal: reason)
    }
}

/// The rules of one platform's endpoint, as the platform publishes them.
///
/// Written without the gateway's own decoders and encoders, so that a mistake made there is not
/// repeated here.
package protocol StandInPlatform: Sendable {
    /// The platform's name in the configuration.
    var name: String { get }

    /// Checks a request. `nowMilliseconds`: since 1970, for rules about the future and the past.
    func judge(_ request: StandInRequest, nowMilliseconds: Int64) -> Judgement

    /// An error in the platform's form, for trouble that has nothing to do with the request.
    func trouble(status: Int, message: String) -> StandInAnswer
}
