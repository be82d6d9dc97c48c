import SluiceCore
import Testing

/// Duplicate keys, in skipped objects and in walked ones.
@Suite struct JSONScratchTests {
    private func object(_ keys: [String]) -> String {
        "{" + keys.map { "\"\($0)\":0" }.joined(separator: ",") + "}"
    }

    @Test func findsEveryPairOfEqualKeys() {
        // Around the four lanes of the vector search, and with keys of every short length.
        let names = (0..<21).map { String(repeating: "k", count: $0) }
        #expect(JSONProbe.skip(object(names)) == .value(object(names)))
        for first in names.indices {
            for second in names.indices where second > first {
                var keys = names
                keys[second] = names[first]
                let offset = object(Array(keys[..<second])).utf8.count + 1
                #expect(JSONProbe.skip(object(keys)) == .error(.duplicateKey, offset))
            }
        }
    }

    @Test func similarKeysAreDifferent() {
        // Keys that differ in one byte only, at every place of every length up to 24.
        for length in 1...24 {
            var keys = [String(repeating: "a", count: length)]
            for place in 0..<length {
                keys.append(
                    String(repeating: "a", count: place) + "b" + String(repeating: "a", count: length - place - 1))
            }
            #expect(JSONProbe.skip(object(keys)) == .value(object(keys)))
        }
    }

    @Test func membersAreBounded() {
        let keys = (0...JSONScratch.membersMax).map { "key \($0)" }
        let full = object(Array(keys.dropLast()))
        #expect(JSONProbe.skip(full) == .value(full))
        #expect(JSONProbe.skip(object(keys)) == .error(.tooManyMembers, full.utf8.count + 1))
        // Elements of arrays are not.
        let long = "[" + Array(repeating: "{\"a\":1}", count: 10_000).joined(separator: ",") + "]"
        #expect(JSONProbe.skip(long) == .value(long))
    }

    @Test func fullObjectsNestToTheLimit() {
        // On every level 255 members, then the next level: the stack at its highest.
        let members = (0..<255).map { "\"\($0)\":0" }.joined(separator: ",")
        var text = "{}"
        for _ in 0..<63 { text = "{\(members),\"next\":\(text)}" }
        #expect(JSONProbe.skip(text, depthMax: 64) == .value(text))
        let twice = text.replacing("\"next\":{}", with: "\"next\":{},\"next\":1")
        guard case .error(.tooManyMembers, _) = JSONProbe.skip(twice, depthMax: 64) else {
            Issue.record("the innermost object has a member too many")
            return
        }
    }

    @Test func walkedObjectsKeepTheirKeysAcrossNestedOnes() throws {
        let text = #"{"u":{"v":1,"w":{"u":1}},"v":{"u":2},"w":0,"\u0075":1}"#
        try JSONProbe.read(text) { (reader, bytes) throws(JSONError) in
            try reader.enterObject()
            let keys = reader.openKeys()
            for name in ["u", "v", "w"] {
                let key = try reader.nextKey()!
                #expect(key.raw(in: bytes).string == name)
                try reader.insert(key, into: keys)
                _ = try reader.skipValue()
            }
            let again = try reader.nextKey()!
            do throws(JSONError) {
                try reader.insert(again, into: keys)
                Issue.record("the key is there already")
            } catch {
                #expect(error == JSONError(.duplicateKey, offset: Int(again.start)))
            }
        }
    }

    @Test func closedKeysAreForgotten() throws {
        try JSONProbe.read(#"[{"a":1},{"a":1}]"#) { (reader, bytes) throws(JSONError) in
            try reader.enterArray()
            while try reader.nextElement() {
                try reader.enterObject()
                let keys = reader.openKeys()
                while let key = try reader.nextKey() {
                    try reader.insert(key, into: keys)
                    _ = try reader.skipValue()
                }
                reader.closeKeys(keys)
            }
            try reader.end()
        }
    }
}
