import Foundation
import SluiceCore
import SluiceDelivery
import SluiceServer
import Synchronization
import Testing

@Suite struct ReplayDeskTests {
    private func job(_ id: Int64, _ phase: ReplayPhase) -> ReplayJob {
        var job = ReplayJob(
            id: id, spec: ReplaySpec(destination: "hook", received: 0..<1001), blocks: 1..<3,
            end: EventSequence(block: 9, index: 0), total: ReplayTotal(events: 10, bytes: 100),
            createdMilliseconds: 1)
        job.phase = phase
        job.counts.delivered = 4
        return job
    }

    private func router(_ answer: Result<ReplayJob, ReplayRefusal>, orders: Orders = Orders()) throws -> AdminRouter {
        var configuration = try ConfigurationLoader.parse(
            "destinations: [{name: hook, platform: webhook, url: \"http://127.0.0.1:1/\"}]", file: nil,
            options: ConfigurationOptions(environment: [:]))
        configuration.data = NSTemporaryDirectory() + "/sluice-none-" + UUID().uuidString
        let jobs = [job(1, .done), job(2, .running)]
        let desk = ReplayDesk(
            configuration,
            ask: { command, reply in
                orders.add("\(command)")
                reply(answer)
            }, jobs: { jobs })
        return AdminRouter(
            readiness: Readiness(), metrics: MetricsRegistry(),
            receipts: ReceiptEndpoint { _ in fatalError("not asked") }, replays: desk,
            status: { _ in GatewayStatus() })
    }

    final class Orders: Sendable {
        private let content = Mutex<[String]>([])
        func add(_ text: String) { content.withLock { $0.append(text) } }
        var list: [String] { content.withLock { $0 } }
    }

    private let json = [(name: "content-type", value: "application/json")]

    @Test func `replays are listed and shown`() throws {
        let router = try router(.success(job(1, .done)))
        let list = router.respond(AdminRequest("GET", "/api/replays"))
        #expect(list.status == 200)
        #expect(list.body.contains(#""delivered":4"#))
        #expect(AdminJSON.decode(ReplayList.self, from: Array(list.body.utf8))?.replays.map(\.id) == [1, 2])
        let one = router.respond(AdminRequest("GET", "/api/replays/2"))
        #expect(one.body.contains(#""phase":"running""#))
        #expect(one.body.contains(#""until":"1970-01-01T00:00:01.000Z""#))
        #expect(router.respond(AdminRequest("GET", "/api/replays/3")).status == 404)
        #expect(router.respond(AdminRequest("HEAD", "/api/replays")).body == "")
        #expect(router.respond(AdminRequest("DELETE", "/api/replays/2")).status == 405)
        #expect(router.respond(AdminRequest("GET", "/api/replays/2/pause")).allow == "POST")
        #expect(router.respond(AdminRequest("GET", "/api/replays/2/other")).status == 404)
    }

    @Test func `a replay is paused, resumed and cancelled`() throws {
        let orders = Orders()
        let router = try router(.success(job(2, .paused)), orders: orders)
        for step in ["pause", "resume", "cancel"] {
            let answer = router.respond(AdminRequest("POST", "/api/replays/2/\(step)", headers: json))
            #expect(answer.status == 200)
            #expect(answer.body.contains(#""phase":"paused""#))
        }
        #expect(orders.list == ["pause(2)", "resume(2)", "cancel(2)"])
    }

    @Test(
        arguments: [
            (.unknownReplay(7), 404, "unknown_replay"),
            (.wrongPhase(id: 7, phase: .done, wanted: "paused"), 409, "wrong_phase"),
            (.tooMany(limit: 100), 429, "too_many_replays"), (.unavailable("no"), 503, "unavailable"),
        ] as [(ReplayRefusal, Int, String)])
    func `refusals say why`(_ refusal: ReplayRefusal, _ status: Int, _ code: String) throws {
        let answer = try router(.failure(refusal)).respond(
            AdminRequest("POST", "/api/replays/7/pause", headers: json))
        #expect(answer.status == status)
        #expect(answer.body.contains("\"code\":\"\(code)\""))
    }

    @Test func `a browser's page of another host changes nothing`() throws {
        let orders = Orders()
        let router = try router(.success(job(2, .paused)), orders: orders)
        func post(_ headers: [(name: String, value: String)]) -> Int {
            router.respond(AdminRequest("POST", "/api/replays/2/pause", headers: headers)).status
        }
        #expect(post([]) == 415)
        #expect(post([("content-type", "text/plain")]) == 415)
        #expect(post([("content-type", "application/x-www-form-urlencoded")]) == 415)
        for origin in [
            "https://shop.example", "null", "http://127.0.0.1.evil.example:9090", "http://localhost.evil.example",
        ] {
            #expect(post(json + [("origin", origin)]) == 403, "\(origin)")
        }
        #expect(post(json + [("sec-fetch-site", "cross-site")]) == 403)
        #expect(orders.list == [])
        #expect(post([("content-type", "Application/JSON; charset=utf-8")]) == 200)
        for origin in ["http://localhost:9090", "http://127.0.0.1:9090", "http://[::1]:9090"] {
            #expect(post(json + [("origin", origin)]) == 200, "\(origin)")
        }
    }

    @Test func `errors name the field`() throws {
        let router = try router(.success(job(1, .queued)))
        let answer = router.respond(
            AdminRequest(
                "POST", "/api/replays", headers: json,
                body: Array(#"{"destination": "nope", "from": "-1h"}"#.utf8)))
        #expect(answer.status == 400)
        #expect(answer.body.contains(#""field":"destination""#))
        let notJSON = router.respond(AdminRequest("POST", "/api/replays", headers: json, body: [0x7B]))
        #expect(notJSON.status == 400)
        // There is no log to reckon with.
        let noLog = router.respond(
            AdminRequest(
                "POST", "/api/replays", headers: json,
                body: Array(#"{"destination": "hook", "from": "-1h"}"#.utf8)))
        #expect(noLog.status == 400)
        #expect(noLog.body.contains("does not exist"))
    }
}
