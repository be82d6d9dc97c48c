import SluiceCore
import SluiceServer
import Testing

@Suite struct TailQueryTests {
    private func parse(_ text: String) throws -> TailQuery {
        try TailQuery(text, sources: ["shop-web", "app.1"], destinations: ["hook"])
    }

    @Test func `what is written is read`() throws {
        var query = TailQuery()
        #expect(query.text == "")
        #expect(try parse("") == query)
        query.source = "shop-web"
        query.type = .viewableImpression
        query.past = 7
        #expect(try parse(query.text) == query)
        query.view = .outcomes(destination: "hook")
        query.source = "app.1"
        #expect(try parse(query.text) == query)
        var refused = TailQuery()
        refused.view = .refused
        #expect(try parse(refused.text) == refused)
    }

    @Test(
        arguments: [
            ("source=shop", "there are: shop-web, app.1"), ("destination=x", "there are: hook"),
            ("type=buy", "there are: impression"), ("n=-1", "from 0 to 1000"), ("n=1001", "from 0 to 1000"),
            ("n=x", "from 0 to 1000"), ("refused=1&destination=hook", "exclude"),
            ("destination=hook&refused=1", "exclude"), ("refused=1&type=click", "no type"),
            ("what=1", "no parameter 'what'"),
        ])
    func `what is wrong is named`(_ text: String, _ words: String) {
        #expect { try parse(text) } throws: { error in
            (error as? FormError)?.message.contains(words) == true
        }
    }
}
