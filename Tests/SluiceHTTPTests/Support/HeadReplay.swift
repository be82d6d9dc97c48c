import SluiceCore
import SluiceHTTP

/// What became of a head, as text that two readings can be compared by.
enum HeadOutcome: Equatable, CustomStringConvertible {
    case incomplete
    case head(String)
    case refused(HTTPFault)

    var description: String {
        switch self {
        case .incomplete: "incomplete"
        case .head(let text): text
        case .refused(let fault): "refused: \(fault.label)"
        }
    }

    init(_ result: HTTPHeadResult, fault: HTTPFault?) {
        switch result {
        case .incomplete: self = .incomplete
        case .head(let head): self = .head(HeadOutcome.describe(head))
        case .refused: self = .refused(fault!)
        }
    }

    static func describe(_ head: HTTPRequestHead) -> String {
        let framing =
            switch head.framing {
            case .none: "none"
            case .length(let count): "length \(count)"
            case .chunked: "chunked"
            }
        let fields: [(String, Bytes)] = [
            ("method", head.methodText), ("target", head.target), ("path", head.path), ("query", head.query),
            ("host", head.host), ("authorization", head.authorization), ("content-type", head.contentType),
            ("content-encoding", head.contentEncoding), ("origin", head.origin),
            ("user-agent", head.userAgent), ("referrer", head.referrer), ("accept", head.accept),
            ("data-source-uuid", head.dataSourceUUID), ("request-method", head.accessControlRequestMethod),
            ("request-headers", head.accessControlRequestHeaders),
        ]
        let texts = fields.map { "\($0.0): \(escaped($0.1))" }
        return
            (texts + [
                "known method: \(head.method)", "version: 1.\(head.versionMinor)", "framing: \(framing)",
                "keep-alive: \(head.keepAlive)", "expects-continue: \(head.expectsContinue)",
                "bytes: \(head.headBytes)",
            ]).joined(separator: "\n")
    }

    static func escaped(_ bytes: Bytes) -> String {
        bytes.array.map { 0x20...0x7E ~= $0 ? String(UnicodeScalar($0)) : "\\x\(String($0, radix: 16))" }.joined()
    }
}

enum HeadReplay {
    static let available = HTTPImplementation.allCases.filter(\.isAvailable)

    /// Hands the parser growing prefixes of `bytes`, each in other memory and with nothing behind it,
    /// until one is decided. The last prefix is the whole.
    static func read(
        _ bytes: [UInt8], prefixes: some Sequence<Int>, with implementation: HTTPImplementation,
        limits: HTTPLimits = HTTPLimits(), memory: [GuardedMemory]
    ) -> HeadOutcome {
        var parser = HTTPRequestParser(implementation: implementation)
        var outcome = HeadOutcome.incomplete
        for (turn, count) in prefixes.enumerated() {
            let view = memory[turn % memory.count].place(bytes[..<count])
            outcome = HeadOutcome(parser.parseHead(view, limits: limits), fault: parser.fault)
            if outcome != .incomplete { break }
        }
        return outcome
    }
}
