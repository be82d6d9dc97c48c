import Testing

@testable import SluiceCore

/// What is taken by a plan is what the property's rule makes of the same text.
@Suite struct PropertyPlanTests {
    static let schemas: [(name: String, schema: EventSchema)] = [
        ("native", CanonicalSchema.native), ("stored", CanonicalSchema.stored),
        ("impression", TopsortSchema.impression), ("click", TopsortSchema.click),
        ("purchase", TopsortSchema.purchase), ("page view", TopsortSchema.pageview),
        ("conversion", VtexSchema.conversion), ("vtex", VtexSchema.ad), ("gowit", GowitSchema.ad),
        ("sale", GowitSchema.sale), ("sdk", GowitSchema.sdkAd), ("kevel", KevelSchema.purchase),
    ]

    static let values: [String] =
        [
            "\"a\"", "\"\"", "\"two words\"", " \t\r\n\"spaced\"", "\"é\"", "\"\\u0061\"", "\"a\\nb\"", "\"\\u0000\"",
            "\"home\"", "\"desktop\"", "\"onsite\"", "\"product\"", "\"listing\"", "\"F\"", "\"ONLINE\"", "\"click\"",
            "\"page_view\"", "\"2026-01-02T03:04:05.678Z\"", "\"2026-01-02T03:04:05+02:00\"",
            "\"2026-13-02T03:04:05Z\"", "\"1767323045\"", "\"2026-01-02\"", "\"100000000000000000\"",
            "\"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae\"",
            "\"2C26B46B68FFC68FF99B453C1D30413413422D706483BFA0F98A5E886266E7AE\"",
            "\"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ag\"", "\"a@example.org\"",
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
        var item: Int32 = object.isRow ? 0 : -1
        if case .item = property.target { item = 0 }
        var usual = EventFields()
        usual.begin(input: text)
        usual.beginItem()
        let usualScratch = JSONScratch()
        var usualReader = JSONReader(text, scratch: usualScratch)
        let key = Slot(.verbatim, .input, start: 0, count: 0)
        let isTaken =
            object.plans[index].destination == .ext
            ? usual.keepUsual(index, of: object, key, place: place, item: item, from: &usualReader)
            : usual.takeUsual(index, of: object, item: item, from: &usualReader)
        guard isTaken else {
            // Nothing has happened but that white space is passed.
            return PropertyPlanTests.isUntouched(usual) && text[0..<usualReader.offset].isBlank
        }
        taken += 1
        var ruled = EventFields()
        ruled.begin(input: text)
        ruled.beginItem()
        let scratch = JSONScratch()
        var reader = JSONReader(text, scratch: scratch)
        guard let result = try? ruled.take(property.rule, empty: property.empty, from: &reader) else { return false }
        let isGiven = parser.store(result, property, index, place, item, key, &ruled)
        return isGiven && reader.offset == usualReader.offset && PropertyPlanTests.areSame(usual, ruled)
    }

    private static func isUntouched(_ fields: borrowing EventFields) -> Bool {
        fields.present.bits == 0 && fields.unknown.isEmpty && fields.itemBits(0) == 0 && fields.problem == nil
    }

    /// Whether two drafts hold the same; the second one may not be wrong.
    private static func areSame(_ usual: borrowing EventFields, _ ruled: borrowing EventFields) -> Bool {
        var isSame = ruled.problem == nil && ruled.unknown.count == usual.unknown.count
        for (expected, found) in zip(ruled.unknown, usual.unknown) {
            isSame = isSame && expected.value.form == found.value.form
            isSame = isSame && ruled.bytes(expected.value).equals(usual.bytes(found.value))
            isSame = isSame && ruled.bytes(expected.key).equals(usual.bytes(found.key))
            isSame = isSame && expected.property == found.property && expected.object == found.object
            isSame = isSame && expected.milliseconds == found.milliseconds && expected.item == found.item
        }
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

    /// Values as forms have them: what JSON has, without its quotation marks.
    @Test(arguments: schemas.indices) func `takes of a form what the rule takes`(index: Int) {
        let (name, schema) = PropertyPlanTests.schemas[index]
        let parser = EventParser(schema)
        var taken = 0
        for property in schema.objects[0].properties {
            for value in PropertyPlanTests.values {
                let text = value.hasPrefix("\"") ? String(value.dropFirst().dropLast()) : value
                for tail in ["", "&a=b"] {
                    let form = Array("\(property.name)=\(text)\(tail)".utf8)
                    let isSame = form.withBytes { compare(form: $0, parser, &taken) }
                    #expect(isSame, "\(name) \(property.name)=\(text.prefix(40))\(tail)")
                }
            }
        }
        #expect(taken > 10)
    }

    private func compare(form: Bytes, _ parser: EventParser, _ taken: inout Int) -> Bool {
        var parameters = QueryFields(form)
        guard let parameter = parameters.nextParameter() else { return false }
        var usual = EventFields()
        usual.begin(input: form)
        usual.beginItem()
        var usualProgress = FormProgress()
        guard parser.readPlain(parameter, &usualProgress, &usual, item: 0) else {
            return PropertyPlanTests.isUntouched(usual) && usualProgress.seen == 0 && usualProgress.given == 0
        }
        taken += 1
        var ruled = EventFields()
        ruled.begin(input: form)
        ruled.beginItem()
        var progress = FormProgress()
        parser.readParameter(
            form[parameter.name], form[parameter.value], false, JSONScratch(), &progress, &ruled, item: 0)
        return progress.seen == usualProgress.seen && progress.given == usualProgress.given
            && PropertyPlanTests.areSame(usual, ruled)
    }
}
