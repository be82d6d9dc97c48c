import Foundation
import SluiceServer
import Testing

@Suite struct AdminRouterTests {
    private let readiness = Readiness()
    private let metrics = MetricsRegistry()
    private var router: AdminRouter {
        AdminRouter(
            readiness: readiness, metrics: metrics, receipts: ReceiptEndpoint { _ in [] },
            status: { _ in GatewayStatus.example })
    }

    @Test func healthIsAlwaysGood() {
        #expect(
            router.respond(method: "GET", path: "/healthz")
                == AdminResponse(status: 200, contentType: "text/plain; charset=utf-8", body: "ok\n"))
    }

    @Test func readinessSaysWhyNot() {
        #expect(router.respond(method: "GET", path: "/readyz").status == 503)
        #expect(
            router.respond(method: "GET", path: "/readyz").body
                == #"{"ready":false,"reasons":["the gateway is starting"]}"# + "\n")
        readiness.enter(.running)
        let good = router.respond(method: "GET", path: "/readyz")
        #expect(good.status == 200)
        #expect(good.body == #"{"ready":true,"reasons":[]}"# + "\n")
        readiness.obstruct("log", reason: "cannot commit: disk full")
        #expect(router.respond(method: "GET", path: "/readyz").status == 503)
        #expect(readiness.reasons == ["log: cannot commit: disk full"])
        readiness.clear("log")
        #expect(readiness.isReady)
        readiness.enter(.draining)
        #expect(readiness.reasons == ["the gateway is draining"])
    }

    @Test func metricsAreServedInTheirFormat() throws {
        metrics.register(ProcessMetrics(startedMilliseconds: 0))
        let response = router.respond(method: "GET", path: "/metrics", query: "x=1")
        #expect(response.contentType == "text/plain; version=0.0.4; charset=utf-8")
        #expect(try Exposition(response.body)["sluice_build_info"] != nil)
    }

    @Test func theStatusHoldsTheBooks() throws {
        readiness.enter(.running)
        let response = router.respond(method: "GET", path: "/api/status")
        #expect(response.status == 200)
        #expect(response.contentType == "application/json")
        let json = try JSONSerialization.jsonObject(with: Data(response.body.utf8)) as? [String: Any]
        let object = try #require(json)
        #expect(object["ready"] as? Bool == true)
        #expect(object["phase"] as? String == "running")
        #expect(object["uptime_seconds"] as? Double == 3725)
        let books = try #require(object["books"] as? [String: Any])
        #expect(books["balanced"] as? Bool == true)
        let book = try #require((books["destinations"] as? [[String: Any]])?.first)
        #expect(book["accepted"] as? Int == 90)
        #expect(book["pending"] as? Int == 20)
        let destination = try #require((object["destinations"] as? [[String: Any]])?.first)
        #expect(destination["position"] as? String == "6.3")
        #expect(destination["lag_seconds"] as? Double == 75)
        let totals = try #require(object["totals"] as? [String: Any])
        #expect(totals["accepted"] as? Int == 100)
        #expect(totals["pending"] as? Int == 20)

        let document = try #require(AdminJSON.decode(StatusDocument.self, from: Array(response.body.utf8)))
        var expected = GatewayStatus.example
        expected.phase = .running
        expected.ready = true
        #expect(document == StatusDocument(expected))
    }

    @Test func otherPathsAndMethodsAreRefusedInJSON() {
        let missing = router.respond(method: "GET", path: "/nope")
        #expect(missing.status == 404)
        #expect(
            missing.body == #"{"error":{"code":"not_found","message":"there is nothing at this path"}}"#
                + "\n")
        for method in ["POST", "DELETE", "get", ""] {
            let refused = router.respond(method: method, path: "/metrics")
            #expect(refused.status == 405)
            #expect(refused.allow == "GET, HEAD")
        }
        #expect(router.respond(method: "POST", path: "/nope").status == 404)
        #expect(router.respond(method: "GET", path: "/healthz/").status == 404)
    }

    @Test func headHasNoBody() {
        let head = router.respond(method: "HEAD", path: "/healthz")
        #expect(head.status == 200)
        #expect(head.body == "")
    }
}
