import Testing

@testable import SluiceCore

@Suite struct NativePixelTests {
    @Test func answersWithAPixelThatIsNotStored() {
        let outcome = DecoderHarness.native().pixel("type=page_view")
        #expect(outcome.status == 200)
        #expect(outcome.contentType == .gif)
        #expect(outcome.noStore)
        #expect(Array(outcome.answerBytes.prefix(10)) == [0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 1, 0, 1, 0])
        #expect(outcome.answerBytes.count == 43 || outcome.answerBytes.count == 42)
        #expect(outcome.answerBytes.last == 0x3B)
    }

    @Test(arguments: [
        ("", "type", "missing"), ("type=cluck", "type", "invalid_value"), ("type=click", "ad.id", "missing"),
        ("type=page_view&type=click", "type", "duplicate_key"),
        ("type=page_view&user_id=a&user.id=b", "user.id", "duplicate_key"),
        ("type=page_view&user_id=%zz", "user.id", "invalid_encoding"),
        ("type=page_view&user_id=%4", "user.id", "invalid_encoding"),
        ("type=page_view&user_id=%ff", "user.id", "invalid_encoding"),
        ("type=page_view&x%ff=1", "query", "invalid_encoding"),
        ("type=page_view&x=%ff", "x", "invalid_encoding"),
        ("type=page_view&user_id=%00", "user.id", "nul_character"),
        ("type=page_view&x=%00", "x", "nul_character"),
        ("type=page_view&x=1&x=2", "x", "duplicate_key"),
        ("type=page_view&placement.position=x", "placement.position", "wrong_type"),
        ("type=page_view&placement.position=1.5", "placement.position", "wrong_type"),
        ("type=page_view&placement.position=0", "placement.position", "out_of_range"),
        ("type=page_view&context.gpc=maybe", "context.gpc", "wrong_type"),
        ("type=page_view&user=x", "user", "wrong_type"),
        ("type=page_view&page.type=home", "page.id", "missing"),
        ("type=purchase&order.items[1].sku=x", "order.items", "conflict"),
        ("type=purchase&order.items[0].sku=x&order.items.0.sku=y", "order.items[0].sku", "duplicate_key"),
        (
            "type=purchase&order.items[0].quantity=0&order.items[0].sku=x", "order.items[0].quantity",
            "out_of_range"
        ),
    ])
    func namesTheParameter(_ query: String, _ field: String, _ code: String) {
        let outcome = DecoderHarness.native().pixel(query)
        #expect(outcome.status == 400)
        #expect(outcome.contentType == .json)
        #expect(outcome.noStore)
        #expect(text(outcome.answer, "rejected.0.field") == field)
        #expect(text(outcome.answer, "rejected.0.code") == code)
        #expect(outcome.lines.isEmpty)
    }

    @Test func keepsWhatItDoesNotKnow() {
        let line = DecoderHarness.native().pixel(
            "type=page_view&&cb=123&a.b=c&order.items[x].sku=1&empty&referrer="
        ).lines[0]
        #expect(text(line, "ext.native.cb") == "123")
        #expect(line.contains(#""a.b":"c""#))
        #expect(line.contains(#""order.items[x].sku":"1""#))
        #expect(text(line, "ext.native.empty") == "")
        #expect(member(line, "context") == nil)
    }

    @Test func everyShortNameHasAField() {
        for (short, path) in [
            ("page_url", "context.page_url"), ("referrer", "context.referrer"), ("user_id", "user.id"),
            ("customer_id", "user.customer_id"), ("ad_id", "ad.id"), ("ad_url", "ad.url"),
            ("placement_id", "ad.placement_id"), ("click_id", "ad.click_id"),
            ("campaign_id", "ad.campaign_id"),
            ("product_id", "placement.product_id"), ("search_query", "placement.search_query"),
            ("order_id", "order.id"), ("currency", "order.currency"),
        ] {
            #expect(text(DecoderHarness.native().pixel("type=page_view&\(short)=v").lines[0], path) == "v")
        }
    }
}
