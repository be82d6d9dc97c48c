import Testing

@testable import SluiceCore

/// What is taken by a plan is what the property's rule makes of the same text.
@Suite struct PropertyPlanTests {
    static let schemas: [(name: String, schema: EventSchema)] = [
        ("native", CanonicalSchema.native), ("stored", CanonicalSchema.stored),
        ("impression", TopsortSchema.impression), ("click", TopsortSchema.click),
        ("purchase", TopsortSchema.purchase), ("page view", TopsortSchema.pageview),
        ("conversion", VtexSchema.conversion),
    ]

    static let values: [String] =
        [
            "\"a\"", "\"\"", "\"two words\"", " \t\r\n\"spaced\"", "\"é\"", "\"\\u0061\"", "\"a\\nb\"", "\"\\u0000\"",
            "\"home\"", "\"desktop\"", "\"onsite\"", "\"product\"", "\"listing\"", "\"F\"", "\"ONLINE\"", "\"click\"",
            "\"page_view\"", "\"2026-01-02T03:04:05.678Z\"", "\"2026-01-02T03:04:05+02:00\"",
            "\"2026-13-02T03:04:05Z\"",
            "0", "1", "7", "2147483647", "2147483648", "9999999999999999999", "99999999999999999999", "-1", "-0", "0.0",
            "0.10", "12.50", "1.5", "1e2", "1E-2", "1.0e1", "0.000000000000000001", "123456789.123456789",
            "1234567890.1234567890", "true", "false", "null", "[]", "[\"a\"]", "{}", "{\"a\":1}",
        ]
        + [1, 2, 40, 63, 64, 65, 255, 256, 257, 511, 512, 513, 1024, 1025, 4096, 4097, 8192, 8193].map {
            "\"" + String(repeating: "x", count: $0) + "\""
        }

    @Test(arguments: schemas.indices) func `takes what the rule takes`(index: Int) {
        let (name, schema) = PropertyPlanTests.schemas[index]
        let parser = EventParser(schema)
        var taken = 0
        for (place, object) in schema.objects.enumerated() {
            for (index, property) in object.properties.enumerated() {
                if case .object = property.rule { continue }
                for value in PropertyPlanTests.values {
                    // Behind the value stands what ends it, or is missing.
                    for tail in [",\"next\":1}", "}", ""] {
                        let text = Array((value + tail).utf8)
                        let isSame = text.withBytes { text in
                            compare(text, parser, property, index, UInt8(place), object, &taken)
                        }
                        #expect(isSame, "\(name) \(property.name): \(value.prefix(40))\(tail)")
                    }
                }
            }
        }
        // Or the test would prove nothing.
        #expect(taken > 50)
    }

    private func compare(
        _ text: Bytes, _ parser: EventParser, _ property: Property, _ index: Int, _ place: UInt8,
        _ object: ObjectSchema, _ taken: inout Int
    ) -> Bool {
        let item: Int32 = object.isRow ? 0 : -1
        var usual = EventFields()
        usual.begin(input: text)
        usual.beginItem()
        let usualScratch = JSONScratch()
        var usualReader = JSONReader(text, scratch: usualScratch)
        guard usual.takeUsual(object.plans[index], item: item, from: &usualReader) else {
            // Nothing has happened but that white space is passed.
            return usual.present.bits == 0 && text[0..<usualReader.offset].isBlank
        }
        taken += 1
        var ruled = EventFields()
        ruled.begin(input: text)
        ruled.beginItem()
        let scratch = JSONScratch()
        var reader = JSONReader(text, scratch: scratch)
        guard let result = try? ruled.take(property.rule, empty: property.empty, from: &reader) else { return false }
        let key = Slot(.verbatim, .input, start: 0, count: 0)
        let isGiven = parser.store(result, property, index, place, item, key, &ruled)
        var isSame = isGiven && ruled.problem == nil && ruled.unknown.isEmpty && reader.offset == usualReader.offset
        isSame = isSame && ruled.present.bits == usual.present.bits && ruled.type == usual.type
        isSame = isSame && ruled.occurredMilliseconds == usual.occurredMilliseconds
        isSame = isSame && ruled.receivedMilliseconds == usual.receivedMilliseconds
        for field in EventField.allCases {
            guard let expected = ruled.slot(field), let found = usual.slot(field) else { continue }
            isSame = isSame && expected.form == found.form && ruled.bytes(expected).equals(usual.bytes(found))
        }
        for field in ItemField.allCases {
            isSame = isSame && ruled.hasItem(0, field) == usual.hasItem(0, field)
            guard let expected = ruled.itemSlot(0, field), let found = usual.itemSlot(0, field) else { continue }
            isSame = isSame && expected.form == found.form && ruled.bytes(expected).equals(usual.bytes(found))
        }
        return isSame
    }
}
