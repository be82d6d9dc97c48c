import SluiceServer
import Testing

@Suite struct MetricsWriterTests {
    @Test func familiesAreWrittenWhole() {
        var writer = MetricsWriter()
        writer.counter("a_total", "As.", labels: [("k", "x")], 1)
        writer.gauge("b", "Bs.", real: 0.5)
        writer.counter("a_total", "As.", labels: [("k", "y")], 2)
        #expect(
            writer.text() == """
                # HELP a_total As.
                # TYPE a_total counter
                a_total{k="x"} 1
                a_total{k="y"} 2
                # HELP b Bs.
                # TYPE b gauge
                b 0.5

                """)
    }

    @Test func equalLabelsAreAddedUp() throws {
        var writer = MetricsWriter()
        writer.counter("a_total", "As.", 40)
        writer.counter("a_total", "As.", 2)
        writer.counter("s_total", "S.", real: 0.5)
        writer.counter("s_total", "S.", 1)
        let read = try Exposition(writer.text())
        #expect(read["a_total"]?.samples == [.init(name: "a_total", labels: [:], value: 42)])
        #expect(read["s_total"]?.samples.first?.value == 1.5)
    }

    @Test func labelsAndHelpAreEscaped() throws {
        var writer = MetricsWriter()
        let value = "a\\b\"c\nd{},= ü"
        writer.gauge("g", "one\\two\nthree \"four\"", labels: [("l", value), ("m", "")], 1)
        #expect(writer.text().contains(#"# HELP g one\\two\nthree "four""#))
        let read = try Exposition(writer.text())
        #expect(read["g"]?.samples == [.init(name: "g", labels: ["l": value, "m": ""], value: 1)])
    }

    @Test func oddNumbersAreWrittenAsTheFormatWants() throws {
        var writer = MetricsWriter()
        for (index, number) in [Double.infinity, -.infinity, .nan, 1e-7, 1e300, -0.0, 3].enumerated() {
            writer.gauge("g", "G.", labels: [("i", "\(index)")], real: number)
        }
        let values = try #require(Exposition(writer.text())["g"]).samples.map(\.value)
        #expect(values[0] == .infinity)
        #expect(values[1] == -.infinity)
        #expect(values[2].isNaN)
        #expect(Array(values[3...]) == [1e-7, 1e300, 0, 3])
    }

    @Test func histogramsAreCumulativeAndMerged() throws {
        var writer = MetricsWriter()
        let one = HistogramSnapshot(boundsSeconds: [0.1, 1], counts: [1, 2, 3], sumSeconds: 10.5)
        writer.histogram("h_seconds", "H.", labels: [("d", "x")], one)
        writer.histogram("h_seconds", "H.", labels: [("d", "x")], one)
        #expect(
            writer.text() == """
                # HELP h_seconds H.
                # TYPE h_seconds histogram
                h_seconds_bucket{d="x",le="0.1"} 2
                h_seconds_bucket{d="x",le="1"} 6
                h_seconds_bucket{d="x",le="+Inf"} 12
                h_seconds_sum{d="x"} 21
                h_seconds_count{d="x"} 12

                """)
        _ = try Exposition(writer.text())
    }

    /// The parser must be able to say no, or it proves nothing.
    @Test(arguments: [
        "a 1\n", "# HELP a A.\n# TYPE a counter\na 1", "# TYPE a counter\na 1\n",
        "# HELP a A.\n# TYPE a counter\nb 1\n", "# HELP a A.\n# TYPE a counter\na 1\na 2\n",
        "# HELP a A.\n# TYPE a counter\na{b=\"c} 1\n", "# HELP a A.\n# TYPE a counter\na inf\n",
        "# HELP a A.\n# TYPE a counter\n# HELP a A.\n# TYPE a counter\n",
        "# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n",
        "# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n",
    ])
    func theParserRefuses(text: String) {
        #expect(throws: Exposition.Problem.self) { try Exposition(text) }
    }
}
