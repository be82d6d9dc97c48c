import Foundation
import SluiceCore
import SluiceServer
import Testing

@Suite struct PlatformTableTests {
    private static let begin = "<!-- table: begin -->\n"
    private static let end = "<!-- table: end -->"
    private static var path: String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "../../../docs/platforms.md"
        ).standardized.path
    }

    @Test(arguments: PlatformExample.all.indices)
    func `every example is taken as its platform takes it`(index: Int) {
        let example = PlatformExample.all[index]
        #expect(PlatformTable().line(of: example) != nil, "\(example.platform.name) \(example.title)")
    }

    @Test func `what a platform sent goes back to it`() throws {
        let table = PlatformTable()
        for example in PlatformExample.all where example.platform != .native {
            let line = try #require(table.line(of: example))
            #expect(table.fate(of: line, at: example.platform) == .sent, "\(example.platform.name) \(example.title)")
        }
    }

    @Test func `webhooks get everything`() throws {
        let table = PlatformTable()
        for example in PlatformExample.all {
            #expect(table.fate(of: try #require(table.line(of: example)), at: .webhook) == .sent)
        }
    }

    @Test func `no other platform's ad event goes to a platform`() throws {
        let table = PlatformTable()
        for example in PlatformExample.all where example.kind == .ad && example.platform != .native {
            let line = try #require(table.line(of: example))
            for platform in PlatformTable.columns where platform != example.platform && platform != .webhook {
                #expect(table.fate(of: line, at: platform) == .filtered)
            }
        }
    }

    /// `SLUICE_UPDATE_DOCS=1` writes the table anew instead.
    @Test func `the documented table is the real one`() throws {
        let table = try #require(PlatformTable().markdown())
        let text = try String(contentsOfFile: PlatformTableTests.path, encoding: .utf8)
        let start = try #require(text.range(of: PlatformTableTests.begin))
        let end = try #require(text.range(of: PlatformTableTests.end))
        if ProcessInfo.processInfo.environment["SLUICE_UPDATE_DOCS"] == "1" {
            let updated = text[..<start.upperBound] + table + "\n" + text[end.lowerBound...]
            try updated.write(toFile: PlatformTableTests.path, atomically: true, encoding: .utf8)
            return
        }
        #expect(text[start.upperBound..<end.lowerBound] == table + "\n", "run with SLUICE_UPDATE_DOCS=1")
    }
}
