import Foundation
import Testing

@testable import SluiceCore

/// SHA-256 of `jane@example.com`, made with `printf jane@example.com | sha256sum`; likewise the others.
private let jane = "8c87b489ce35cf2e2f39f80e282cb2e804932a56a213983eeeb428407d43b52d"
/// Of `+15551234567`.
private let phone = "8a59780bb8cd2ba022bfa5ba2ea3b6e07af17a7d8b30c1f9b3390e36f69019e4"
/// Of `12345678909`.
private let taxID = "7ec94663084bd506d4f0c3e21042df233681fd7426e93f397c921b1d3e397bba"

@Suite struct PersonalMembersTests {
    private func native(_ members: String) -> String {
        let outcome = DecoderHarness.native().send("{\"type\":\"page_view\",\(members)}")
        #expect(outcome.status == 202, "\(outcome.answer)")
        #expect(outcome.result.accepted == 1, "\(outcome.answer)")
        return outcome.lines.first ?? ""
    }

    private func isPlain(_ line: String) -> Bool {
        let lower = line.lowercased()
        return ["jane", "doe", "5551234567", "12345678909", "123.456"].contains { lower.contains($0) }
    }

    @Test(
        arguments: [
            (#""user":{"e_mail":" Jane@Example.com "}"#, "user.email_sha256", jane),
            (#""user":{"E-Mail":"jane@example.com"}"#, "user.email_sha256", jane),
            (#""user":{"mail":"jane@example.com"}"#, "user.email_sha256", jane),
            (#""email":"jane@example.com""#, "user.email_sha256", jane),
            (#""userEmail":"jane@example.com""#, "user.email_sha256", jane),
            (#""user":{"phone_number":"+1 (555) 123-4567"}"#, "user.phone_sha256", phone),
            (#""mobile":"+15551234567""#, "user.phone_sha256", phone),
            (#""user":{"cpf":"123.456.789-09"}"#, "user.tax_id_sha256", taxID),
            (#""user":{"document":12345678909}"#, "user.tax_id_sha256", taxID),
            (#""user":{"firstName":"Jane"}"#, "user.first_name_sha256", nil),
            (#""user":{"surname":"Doe"}"#, "user.last_name_sha256", nil),
            (#""user":{"mail":"\#(jane.uppercased())"}"#, "user.email_sha256", jane),
        ] as [(String, String, String?)])
    func becomesTheCanonicalHash(_ members: String, _ path: String, _ hash: String?) {
        let line = native(members)
        #expect(!isPlain(line))
        #expect(text(line, path)?.count == 64)
        if let hash { #expect(text(line, path) == hash) }
        #expect(member(line, "ext") == nil)
    }

    @Test func theFirstIsTheCanonicalOne() {
        let line = native(
            #""user":{"email":"jane@example.com","mail":"jane@example.com","e_mail":"jane.doe@example.com"}"#)
        #expect(!isPlain(line))
        #expect(text(line, "user.email_sha256") == jane)
        #expect(text(line, "ext.native.user.mail") == jane)
        #expect(text(line, "ext.native.user.e_mail")?.count == 64)
    }

    @Test(arguments: [
        (#""user":{"name":"Jane Doe"}"#, "user.name"),
        (#""user":{"phone_number":"555 123 4567, Jane"}"#, "user.phone_number"),
        (#""user":{"mail":"jane"}"#, "user.mail"),
        (#""customer":{"email":"jane@example.com"}"#, "customer.email"),
        (#""customer":{"contacts":[{"e-mail":"jane@example.com"}]}"#, "customer.contacts.0.e-mail"),
        (#""order":{"id":"o","contactPhone":"+15551234567"}"#, "order.contactPhone"),
        (#""checkout":{"a":[1,{"b":{"cpf":12345678909}}]}"#, "checkout.a.1.b.cpf"),
        (#""user":{"emails":["jane@example.com","x"]}"#, "user.emails.0"),
        (#""user":{"name":{"first":"Jane","last":"Doe"}}"#, "user.name.last"),
        (#""billing":{"name":"Jane Doe"}"#, "billing.name"),
        (#""customer.email":"jane@example.com""#, "customer.email"),
        (#""buyer":{"\u0065mail":"j\u0061ne@example.com"}"#, "buyer.email"),
    ])
    func isHashedWhereItStands(_ members: String, _ path: String) {
        let line = native(members)
        #expect(!isPlain(line), "\(line)")
        guard !members.hasPrefix("\"customer.email") else { return }
        #expect(text(line, "ext.native.\(path)")?.count == 64, "\(line)")
    }

    /// What other gateways and senders put into `ext` is no way around it.
    @Test func extensionsAreHashed() {
        let line = native(
            #""ext":{"impact":{"CustomerEmail":"jane@example.com"},"vtex":{"email_hashed":"jane@example.com","items":{"0":{"n":1}}},"native":{"user":{"name":"Jane"},"phone":"+15551234567"}}"#
        )
        #expect(!isPlain(line), "\(line)")
        #expect(text(line, "ext.impact.CustomerEmail") == jane)
        #expect(text(line, "ext.native.phone") == phone)
    }

    @Test(arguments: [
        #""user":{"mail":null,"name":""}"#, #""user":{"mobile":true}"#, #""context":{"mobile":"yes"}"#,
        #""name":"Spring sale""#,
        #""page_info":{"document":"terms.pdf","name":"x"}"#, #""user":{"username":"jane7"}"#,
        #""user":{"email_md5":"5d41402abc4b2a76b9719d911017c592"}"#,
        #""user":{"email_opt_in":"yes"}"#, #""customer":{"mail":"0123456789abcdef0123456789abcdef01234567"}"#,
        #""list":[],"thing":{},"deep":[[{}]]"#,
        #""document":{"title":"terms"}"#,
    ])
    func staysAsItIs(_ members: String) {
        let line = native(members)
        let sent = foundation("{\(members)}") as? NSDictionary
        let kept = member(line, "ext.native") as? NSDictionary
        #expect(kept == sent)
    }

    /// The same rule holds for what other platforms' clients add, in JSON and in forms.
    @Test func everyPlatform() {
        let person = #""email":"jane@example.com","customer":{"name":"Jane Doe"},"list":["x"]"#
        var lines = DecoderHarness.topsort().send(
            "{\"pageviews\":[{\"id\":\"1\",\"occurredAt\":\"2026-01-01T00:00:00Z\",\"opaqueUserId\":\"u\",\"page\":{\"type\":\"home\",\"pageId\":\"\"},\(person)}]}"
        ).lines
        lines +=
            DecoderHarness.gowit().send(
                "{\"event_type\":\"click\",\"session_id\":\"s\",\"marketplace_id\":\"m\",\"ad_id\":\"a\",\(person)}",
                path: "/events"
            ).lines
        lines +=
            DecoderHarness.gowit().send(
                [], method: .get, path: "/server/sdk/events",
                query: "type=click&session_id=s&ad_id=a&email=jane@example.com", contentType: ""
            ).lines
        lines += DecoderHarness.vtex().send("{\"session_id\":\"s\",\(person)}", path: "/v1/beacon/view/a").lines
        lines +=
            DecoderHarness.kevel().kevel(
                "userKey=u&productId=p&timestamp=1767323045&quantity=1&price=1&email=jane%40example.com&email=jane2%40example.com"
            ).lines
        lines +=
            DecoderHarness.impact().send(
                ImpactDecoderTests.base + "&CustomerName=Jane+Doe&Email=jane%40example.com",
                path: ImpactDecoderTests.path,
                contentType: ImpactDecoderTests.form
            ).lines
        lines +=
            DecoderHarness.native().pixel("type=page_view&customer.email=jane%40example.com&cpf=123.456.789-09").lines
        #expect(lines.count == 7)
        for line in lines {
            #expect(!isPlain(line), "\(line)")
            #expect(foundation(line) is NSDictionary)
        }
        #expect(text(lines[6], "user.tax_id_sha256") == taxID)
    }

    /// Ids are left alone: matching depends on them.
    @Test func idsStay() {
        let line = native(
            #""user":{"id":"jane@example.com","keys":["jane@example.com"],"customer_id":"jane@example.com"}"#)
        #expect(text(line, "user.id") == "jane@example.com")
        #expect(text(line, "user.customer_id") == "jane@example.com")
    }

    /// An event that comes back from a webhook is the same event.
    @Test func hashesAreNotHashedAgain() {
        let line = native(#""user":{"email":"jane@example.com","mail":"doe@example.com"},"customer":{"name":"Jane"}"#)
        let again = DecoderHarness.native().send(line).lines.first ?? ""
        #expect(text(again, "ext.native.user.mail") == text(line, "ext.native.user.mail"))
        #expect(text(again, "ext.native.customer.name") == text(line, "ext.native.customer.name"))
    }
}
