import SluiceCore
import SluiceHTTP
import SluiceIO

/// The questions of a shard that wait for their finding.
///
/// Owner: the shard thread.
struct OpenQuestions {
    private(set) var count = 0
    private var next: UInt64 = 1
    /// The page that may read the answer, where a page asked.
    private var origins: [UInt64: [UInt8]] = [:]

    mutating func open(origin: Bytes) -> UInt64 {
        let number = next
        next += 1
        count += 1
        if !origin.isEmpty { origins[number] = origin.withBytesCopied }
        return number
    }

    /// Ends the question and returns its page's origin; empty without one.
    mutating func close(_ number: UInt64) -> [UInt8] {
        count -= 1
        return origins.removeValue(forKey: number) ?? []
    }
}

extension Bytes {
    fileprivate var withBytesCopied: [UInt8] { (0..<count).map { self[$0] } }
}

/// impact.com's `GET /Advertisers/{account}/APISubmissions/{id}`: asked here, looked up by the
/// `SubmissionDesk` on its own thread, answered when that has found something.
extension Shard {
    func submission(_ head: HTTPRequestHead, offset: Int, _ answer: inout ByteBuffer) -> Disposition {
        let path = head.path[offset..<head.path.count]
        guard AllowedMethods.get.contains(head.method) else {
            if head.method == .options { return options(head, .impact, AllowedMethods.get.allow, &answer) }
            return refuse(.methodNotAllowed, .impact, head, allow: AllowedMethods.get.allow, &answer)
        }
        guard let source = findSource(head, .impact, path) else {
            return refuse(.unauthorized, .impact, head, &answer)
        }
        guard head.origin.isEmpty || source.allows(origin: head.origin) else {
            return refuse(.forbiddenOrigin, .impact, head, &answer)
        }
        guard let submissions, let asked = SubmissionPath(path),
            let id = SubmissionID(asked.id)
        else { return refuse(.notFound, .impact, head, &answer) }
        guard openQuestions.count < submissions.capacity else {
            return refuse(.unavailable(retryAfterSeconds: 1), .impact, head, &answer)
        }
        let number = openQuestions.open(origin: head.origin)
        submissions.ask(
            SubmissionQuestion(
                number: number, source: source.name, id: id, isAnsweredEarly: source.acknowledge == .received))
        return .later(number)
    }

    /// Hands on what the desk has found since the last time.
    func giveFindings() {
        guard let submissions else { return }
        while let finding = submissions.nextFinding() {
            clock.readOncePerBatch()
            let origin = openQuestions.close(finding.number)
            var retryAfter = 0
            switch finding.result {
            case .found(let report):
                platformAnswer.reset()
                report.write(to: &platformAnswer)
                metrics.countRequest(platform: .impact, status: platformAnswer.status)
            case .unknown:
                say(.notFound, .impact)
            case .unavailable:
                retryAfter = 1
                say(.unavailable(retryAfterSeconds: retryAfter), .impact)
            }
            platformAnswer.noStore = true
            loop.answer(finding.number) { keepAlive, isHead, answer in
                origin.withBytes {
                    answers.appendLate(
                        platformAnswer, retryAfterSeconds: retryAfter, keepAlive: keepAlive, isHead: isHead,
                        allowedOrigin: $0, to: &answer)
                }
            }
        }
    }
}
