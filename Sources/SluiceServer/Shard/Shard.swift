import SluiceCore
import SluiceHTTP
import SluiceIO
import SluiceLog

/// One ingest thread's work between a request and its answer: route, authenticate, inflate, decode
/// into the open block, answer behind the block's ticket, hand the block to the log.
///
///     handle -> Route -> SourceTable -> PlatformDecoder -> OpenBlock -> ShardChannel -> log thread
///                                              |                              |
///                                              +-> answer, held by the loop <-+ release / fail
///
/// Invariants: 1. A 2xx for events is held behind the ticket of the block they are in, unless the
/// source asked for `acknowledge: received` and the block that came back last was committed; one for
/// duplicates is held until their originals are committed, whichever shard has them.
/// 2. `open` is nil only while every block is with the log; requests then stall. 3. Tickets rise by
/// one with each block opened. 4. With nothing at the log, a block that holds events stays open only while requests
/// are there to be read, and no longer than `CommitPace` lets it.
///
/// Owner: the loop's thread. Nothing here is touched by another thread but counters.
// @unchecked: confined to the thread of `run`.
package final class Shard: EdgeHandler, @unchecked Sendable {
    let sources: SourceTable
    let metrics: EdgeMetrics
    private let channel: ShardChannel
    /// Hands answers on; set once before the loop runs. The loop owns the shard.
    package unowned var loop: EdgeLoop!
    let decoders: DecoderTable
    private let inflatedBytesMax: Int

    private var open: OpenBlock?
    private var free: [OpenBlock] = []
    private var nextTicket: UInt64 = 1
    private var pace = CommitPace()
    package private(set) var wantsMore = false
    /// Whether the block that came back last could not be committed.
    private var logFails = false

    private let requestBody = RequestBody()
    var platformAnswer = PlatformAnswer()
    private let hosts: HostTable
    private let resolver: SourceResolver
    private var credential = ByteBuffer(capacity: 256)
    /// Questions about conversions; nil where nobody answers them.
    let submissions: SubmissionPort?
    /// Where refused requests are told about; nil where nobody wants to know.
    private let refusals: RefusalPort?
    /// Nil where duplicates are taken like any other event.
    let deduplicator: ShardDeduplicator?
    var duplicates: WaitingDuplicates
    var nextDuplicate: UInt64 = 1
    var openQuestions = OpenQuestions()
    var clock = BatchClock()
    private var arrivals = ArrivalLog()
    private var held = HeldCounts()
    let answers: AnswerWriter
    package private(set) var failureTag: UInt32 = 0

    /// - Parameters:
    ///   - fingerprints: what is known of earlier events; nil where duplicates are taken like any other.
    ///   - barrier: of all shards that share `fingerprints`; needed with it.
    package init(
        sources: SourceTable, channel: ShardChannel, metrics: EdgeMetrics, limits: Limits,
        hosts: HostTable = HostTable([:]), submissions: SubmissionPort? = nil, refusals: RefusalPort? = nil,
        fingerprints: FingerprintTable? = nil, barrier: DuplicateBarrier? = nil
    ) {
        self.sources = sources
        self.channel = channel
        self.metrics = metrics
        self.hosts = hosts
        self.submissions = submissions
        self.refusals = refusals
        resolver = SourceResolver(sources)
        if let fingerprints, let barrier {
            deduplicator = ShardDeduplicator(table: fingerprints, barrier: barrier, shard: channel.shard)
        } else {
            deduplicator = nil
        }
        duplicates = WaitingDuplicates(shards: barrier?.shards.count ?? 1)
        decoders = DecoderTable(directory: resolver, deduplicator: deduplicator)
        inflatedBytesMax = limits.inflatedBytes
        answers = AnswerWriter(date: clock.date)
        for _ in 0..<Limits.blocksPerShard {
            free.append(OpenBlock(capacity: Limits.blockBytes + limits.bodyBytes))
        }
        openBlock()
    }

    /// The body of the shard's thread: serves until the loop has drained.
    package func run() {
        loop.run()
        // Nobody waits for these any more, but a source may have been told that they were received.
        if let block = open, block.eventCount > 0 { hand(over: block) }
        settleForOthers()
    }

    /// Blocks that are with the log.
    var blocksOut: Int { channel.blocksOut }

    // MARK: requests

    package func handle(_ request: EdgeRequest, answer: inout ByteBuffer) -> Disposition {
        clock.readOncePerBatch()
        let head = request.head
        let route = Route.find(head.path, host: hosts.platform(of: head.host))
        switch route {
        case .platform(let platform, let offset, let methods):
            if methods.contains(head.method) {
                return receive(request, platform, offset: offset, answer: &answer)
            }
            if head.method == .options { return options(head, platform, methods.allow, &answer) }
            return refuse(.methodNotAllowed, platform, head, allow: methods.allow, &answer)
        case .submission(let offset):
            return submission(head, offset: offset, &answer)
        case .health:
            return health(head, &answer)
        case .unknown(let platform):
            // A preflight or an OPTIONS for the server as a whole names no resource it would change.
            if head.method == .options { return options(head, platform, AllowedMethods.post.allow, &answer) }
            return refuse(.notFound, platform, head, &answer)
        }
    }

    private func receive(
        _ request: EdgeRequest, _ platform: Platform, offset: Int, answer: inout ByteBuffer
    ) -> Disposition {
        let head = request.head
        let path = head.path[offset..<head.path.count]
        let search = sources.find(head, platform: platform, path: path, scratch: &credential)
        if case .refused = search { return refuse(.unauthorized, platform, head, &answer) }
        let source = search.entry
        if let source, !head.origin.isEmpty, !source.allows(origin: head.origin) {
            return refuse(.forbiddenOrigin, platform, head, source: source, &answer)
        }
        let body: Bytes
        do throws(EdgeProblemError) {
            body = try requestBody.inflated(
                request.body, encoding: head.contentEncoding, limit: inflatedBytesMax)
        } catch {
            return refuse(error.problem, platform, head, source: source, &answer)
        }
        guard let block = open else { return .stall }

        var platformRequest = PlatformRequest(
            // HEAD is answered as GET would be; native answers it itself.
            method: head.method == .head && platform != .native ? .get : head.method, path: path,
            query: head.query, contentType: head.contentType, body: body,
            origin: origin(of: request, source, isAssumed: search.isAssumed))
        platformRequest.accept = head.accept
        platformRequest.hasQuery = head.target.firstIndex(of: 0x3F) != nil
        platformAnswer.reset()
        let mark = block.mark
        deduplicator?.begin(ticket: block.ticket)
        var result = decoders[platform].decode(platformRequest, into: block, answer: &platformAnswer)
        if head.method == .head {
            // HEAD asks what GET would answer and must change nothing, RFC 9110 section 9.3.2.
            block.rollback(to: mark, deduplicator: deduplicator)
            result = DecodeResult()
        }
        if result.duplicates > 0, duplicates.isFull {
            block.rollback(to: mark, deduplicator: deduplicator)
            deduplicator?.end(block)
            return refuse(.unavailable(retryAfterSeconds: 1), platform, head, &answer)
        }
        deduplicator?.end(block)
        return finish(head, platform, result, block, &answer)
    }

    /// The source of a request whose head must tell.
    func findSource(_ head: HTTPRequestHead, _ platform: Platform, _ path: Bytes) -> SourceEntry? {
        sources.find(head, platform: platform, path: path, scratch: &credential).entry
    }

    private func finish(
        _ head: HTTPRequestHead, _ platform: Platform, _ result: DecodeResult, _ block: OpenBlock,
        _ answer: inout ByteBuffer
    ) -> Disposition {
        let source = resolver.source
        // A log that cannot commit drops its blocks: then nobody's events are taken on trust.
        let isTrusted = source?.acknowledge == .received && !logFails
        let waits = result.accepted > 0 && !isTrusted
        let holds = result.duplicates > 0 && !isTrusted
        let counts = HeldCounts.Entry(
            ticket: block.ticket, platform: platform, status: platformAnswer.status,
            source: source?.index ?? -1, result: result)
        if result.rejected > 0 || platformAnswer.status >= 400 {
            note(platform, source?.index ?? -1, head.path, result)
        }
        answers.append(
            platformAnswer, head: head,
            acknowledge: result.accepted + result.duplicates == 0 ? .none : (isTrusted ? .received : .committed),
            originAllowed: source != nil || sources.anyAllows(origin: head.origin), to: &answer)
        defer { if block.payload.count >= Limits.blockBytes { hand(over: block) } }
        failureTag = FailureTag(platform).value
        if holds, let deduplicator {
            return hold(counts, ownTicket: waits ? block.ticket : 0, deduplicator)
        }
        guard waits else {
            count(counts)
            return .now
        }
        held.add(counts)
        arrivals.add(ticket: block.ticket, microseconds: clock.monotonicMicroseconds)
        return .after(ticket: block.ticket)
    }

    func count(_ entry: HeldCounts.Entry) {
        metrics.countRequest(platform: entry.platform, status: entry.status)
        countEvents(entry)
    }

    func countEvents(_ entry: HeldCounts.Entry) {
        metrics.countEvents(
            platform: entry.platform, source: entry.source, result: entry.result,
            duplicates: entry.result.duplicates)
    }

    private func origin(of request: EdgeRequest, _ source: SourceEntry?, isAssumed: Bool) -> RequestOrigin {
        // Only a browser's own request tells about the person; a backend's tells about the backend.
        let isFromPage = !request.head.origin.isEmpty || request.head.method != .post
        resolver.begin(
            source, isAssumed: isAssumed, pageOrigin: request.head.origin, peer: isFromPage ? request.peer : nil)
        var origin = RequestOrigin(
            receivedMilliseconds: clock.wallMilliseconds, sourceName: source?.nameBytes ?? .empty,
            sourceHash: source?.hash ?? 0)
        origin.lenient = source?.lenient ?? false
        origin.isSourceAssumed = isAssumed
        origin.addressPolicy = source?.address ?? .truncate
        guard isFromPage else { return origin }
        origin.userAgent = request.head.userAgent
        origin.referrer = request.head.referrer
        if let source { origin.address = resolver.address(of: request.peer, source.address) }
        return origin
    }

    private func health(_ head: HTTPRequestHead, _ answer: inout ByteBuffer) -> Disposition {
        platformAnswer.reset()
        guard AllowedMethods.get.contains(head.method) else {
            if head.method == .options { return options(head, .native, AllowedMethods.get.allow, &answer) }
            return refuse(.methodNotAllowed, .native, head, allow: AllowedMethods.get.allow, &answer)
        }
        platformAnswer.contentType = .json
        platformAnswer.noStore = true
        platformAnswer.body.append("{\"status\":\"ok\"}")
        metrics.countRequest(platform: nil, status: 200)
        answers.append(platformAnswer, head: head, acknowledge: .none, to: &answer)
        return .now
    }

    func options(
        _ head: HTTPRequestHead, _ platform: Platform, _ allow: StaticString, _ answer: inout ByteBuffer
    ) -> Disposition {
        metrics.countRequest(platform: platform, status: 204)
        let allowed = !head.origin.isEmpty && sources.anyAllows(origin: head.origin)
        answers.appendOptions(head, allow: allow, originAllowed: allowed, to: &answer)
        return .now
    }

    // MARK: refusals

    /// - Parameter source: who sent it, where that is known.
    func refuse(
        _ problem: EdgeProblem, _ platform: Platform, _ head: HTTPRequestHead, allow: StaticString = "",
        source: SourceEntry? = nil, _ answer: inout ByteBuffer
    ) -> Disposition {
        say(problem, platform)
        note(platform, source?.index ?? -1, head.path)
        let readable = !head.origin.isEmpty && sources.anyAllows(origin: head.origin)
        answers.appendRefusal(
            platformAnswer, problem, platform, head: head, allow: allow, originAllowed: readable, to: &answer)
        return .now
    }

    /// What the loop itself refuses; the connection closes after it.
    package func refuse(_ problem: EdgeProblem, head: HTTPRequestHead?, answer: inout ByteBuffer) {
        clock.readAgain()
        let route = head.map { Route.find($0.path, host: hosts.platform(of: $0.host)) }
        say(problem, route?.platform ?? .native)
        note(route?.platform ?? .native, -1, head?.path ?? .empty)
        var origin = Bytes.empty
        if let head, !head.origin.isEmpty, sources.anyAllows(origin: head.origin) { origin = head.origin }
        answers.appendClosing(
            platformAnswer, problem, isHead: head?.method == .head, allowedOrigin: origin, to: &answer)
    }

    /// A commit failed: the answer prepared for it is replaced.
    package func answerFailure(
        tag: UInt32, retryAfterSeconds: Int, keepAlive: Bool, isHead: Bool, prepared: Bytes,
        answer: inout ByteBuffer
    ) {
        clock.readAgain()
        let problem = EdgeProblem.unavailable(retryAfterSeconds: retryAfterSeconds)
        say(problem, FailureTag(value: tag).platform)
        note(FailureTag(value: tag).platform, -1, .empty)
        answers.appendLate(
            platformAnswer, retryAfterSeconds: retryAfterSeconds, keepAlive: keepAlive, isHead: isHead,
            allowedOrigin: HTTPResponse.allowedOrigin(of: prepared), to: &answer)
    }

    /// Fills `platformAnswer` with a problem in the platform's words, and counts it.
    func say(_ problem: EdgeProblem, _ platform: Platform) {
        platformAnswer.reset()
        decoders[platform].refuse(problem, answer: &platformAnswer)
        metrics.countRequest(platform: platform, status: platformAnswer.status)
    }

    /// Tells about a request that was refused, wholly or in part, and that `platformAnswer` answers.
    private func note(_ platform: Platform, _ source: Int, _ path: Bytes, _ result: DecodeResult = DecodeResult()) {
        guard let refusals else { return }
        // Whatever is answered with an image says nothing of what is wrong.
        let isText = platformAnswer.contentType == .json || platformAnswer.contentType == .text
        refusals.note(
            platform: platform, source: source, path: path, status: platformAnswer.status,
            accepted: result.accepted, rejected: result.rejected,
            reason: isText ? platformAnswer.body.bytes : Bytes("the parameters do not make an event"),
            nowMilliseconds: clock.wallMilliseconds)
    }

    // MARK: blocks

    /// Everything that was ready is in the block. It goes to the log as soon as nothing more is there, or when it has
    /// gathered for long enough; while the log is busy with an earlier one, it goes on filling (group commit).
    package func batchEnded() {
        clock.batchEnded()
        wantsMore = false
        if let block = open, block.eventCount > 0 {
            pace.gather(at: clock.monotonicMicroseconds)
            if channel.blocksOut == 0 {
                wantsMore = pace.mayGather(now: MonotonicClock.nowMicroseconds)
                if !wantsMore { hand(over: block) }
            }
        }
        closeDuplicateGroup()
    }

    /// No request is there to be read: what waits for more goes to the log.
    package func nothingMore() {
        wantsMore = false
        if let block = open, block.eventCount > 0, channel.blocksOut == 0 { hand(over: block) }
    }

    /// The log thread has handed blocks back, another shard has settled some, or questions have been answered.
    package func woken() {
        giveFindings()
        var returned = false
        while let block = channel.takeReturned() {
            returned = true
            settle(block)
            free.append(block)
        }
        giveDuplicates()
        guard returned else { return }
        if open == nil { openBlock() }
        loop.resumeStalled()
    }

    private func settle(_ block: OpenBlock) {
        deduplicator?.settle(block)
        switch block.commit {
        case .committed:
            logFails = false
            let now = MonotonicClock.nowMicroseconds
            arrivals.settle(through: block.ticket) { arrived, count in
                metrics.acknowledge.observe(microseconds: Int(now - arrived), count: count)
            }
            held.settle(through: block.ticket, count)
            loop.release(through: block.ticket)
        case .failed(let retryAfterSeconds):
            logFails = true
            arrivals.settle(through: block.ticket) { _, _ in }
            held.settle(through: block.ticket) { _ in }
            duplicates.fail(ownTicket: block.ticket)
            loop.fail(ticket: block.ticket, retryAfterSeconds: retryAfterSeconds)
        case .pending:
            preconditionFailure("a block came back unsettled")
        }
    }

    private func hand(over block: OpenBlock) {
        let taken = channel.submit(block)
        precondition(taken, "the channel holds every block a shard has")
        pace.handOver()
        open = nil
        openBlock()
    }

    private func openBlock() {
        guard let block = free.popLast() else { return }
        block.reset(ticket: nextTicket)
        nextTicket += 1
        open = block
    }
}

/// What comes back with a failed answer: in whose words to say it.
struct FailureTag {
    let value: UInt32

    init(_ platform: Platform) { value = UInt32(platform.rawValue) }
    init(value: UInt32) { self.value = value }

    var platform: Platform { Platform(rawValue: UInt8(truncatingIfNeeded: value)) ?? .native }
}
