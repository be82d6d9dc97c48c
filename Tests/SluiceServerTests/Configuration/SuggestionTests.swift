import SluiceServer
import Testing

@Suite struct SuggestionTests {
    @Test(arguments: [
        ("body", "body", 0), ("boyd", "body", 1), ("bdy", "body", 1), ("bodyy", "body", 1), ("", "ab", 2),
        ("kitten", "sitting", 3),
    ])
    func distancesAreCounted(left: String, right: String, distance: Int) {
        #expect(editDistance(left, right) == distance)
        #expect(editDistance(right, left) == distance)
    }

    @Test func theNearestIsSuggested() {
        let keys = ["listen", "limits", "log", "log_level"]
        #expect(suggestion(for: "lisetn", among: keys) == "listen")
        #expect(suggestion(for: "LOG-LEVEL", among: keys) == "log_level")
        #expect(suggestion(for: "lot", among: keys) == "log")
        #expect(suggestion(for: "colour", among: keys) == nil)
    }
}
