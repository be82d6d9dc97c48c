import Foundation

extension LoadReport {
    /// One page with everything in it: no script, no other file, light or dark as the reader has it.
    package var html: String {
        let escape = HTMLText.escaped
        let badge = isGood ? "<span class=\"badge good\">good</span>" : "<span class=\"badge bad\">not good</span>"
        let form = loop == "closed" ? "closed loop" : "open loop, \(loop)"
        let asked = rate.map { ", \(TextFigures.rate($0)) requests/s asked for" } ?? ""
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
            <title>Load on \(escape(url))</title>
            <style>\(Self.style)</style></head><body><main>
            <h1>Load on \(escape(url)) \(badge)</h1>
            <p>\(escape(startedAt)); \(form)\(asked); \(connections) connections, \(pipeline) request\(pipeline == 1 ? "" : "s") at once \
            on each; \(escape(platform)), \(eventsPerRequest) event\(eventsPerRequest == 1 ? "" : "s") a request; \
            \(TextFigures.seconds(seconds))\(interrupted ? ", interrupted" : "").</p>
            \(warnings.map { "<p class=\"warning\">\(escape($0))</p>" }.joined(separator: "\n"))
            \(tiles)
            \(knee.map { "<p class=\"knee\">\(escape(sentence($0)))</p>" } ?? "")
            \(verification.map { "<p class=\"\($0.isGood ? "knee" : "warning")\">\(escape(sentence($0)))</p>" } ?? "")
            \(stepTable)
            \(charts.map(\.figure).joined(separator: "\n"))
            \(latencyTable)
            \(countTable)
            <p class="small">Corrected: \(loop == "closed" ? "with HdrHistogram's correction for coordinated omission" : "from when a request was due"). \
            As seen: from when it was sent. The generator used \
            \(String(format: "%.1f", generator.userMicrosecondsPerRequest + generator.systemMicrosecondsPerRequest)) us of CPU a request and was \
            \(Int((generator.busy * 100).rounded())) % busy.</p>
            </main></body></html>

            """
    }

    private var tiles: String {
        let tiles = [
            ("requests/s", TextFigures.rate(requestsPerSecond)), ("events/s", TextFigures.rate(eventsPerSecond)),
            ("p50", TextFigures.milliseconds(latency.p50)), ("p99", TextFigures.milliseconds(latency.p99)),
            ("p99.9", TextFigures.milliseconds(latency.p999)), ("errors", TextFigures.count(errors)),
        ]
        return "<div class=\"tiles\">"
            + tiles.map { "<div><b>\($0.1)</b><span>\($0.0)</span></div>" }.joined() + "</div>"
    }

    // MARK: Charts

    private var charts: [LineChart] {
        var charts: [LineChart] = []
        if intervals.count > 1 {
            let ticks = secondTicks
            charts.append(
                LineChart(
                    title: "Throughput over time",
                    series: [
                        .init(
                            name: "requests/s", style: "one",
                            points: intervals.map { (Double($0.second), Double($0.requests)) })
                    ],
                    xTicks: ticks, xLabel: "second", yLabel: { TextFigures.count(Int($0)) }))
            charts.append(
                LineChart(
                    title: "Latency over time",
                    series: [
                        .init(name: "p50", style: "one", points: intervals.map { (Double($0.second), $0.p50) }),
                        .init(name: "p99", style: "two", points: intervals.map { (Double($0.second), $0.p99) }),
                        .init(name: "max", style: "three", points: intervals.map { (Double($0.second), $0.max) }),
                    ], xTicks: ticks, xLabel: "second", yLabel: TextFigures.milliseconds, isLogarithmic: true))
        }
        charts.append(
            LineChart(
                title: "Latency by percentile",
                series: [
                    .init(name: "corrected", style: "two", points: percentilePoints(\.corrected)),
                    .init(name: "as seen", style: "one", points: percentilePoints(\.uncorrected)),
                ],
                xTicks: [0, 90, 99, 99.9, 99.99, 99.999].map {
                    LineChart.Tick(place: Self.nines($0), label: "\($0 == $0.rounded() ? "\(Int($0))" : "\($0)") %")
                }, xLabel: "part of the requests that were at least as fast", yLabel: TextFigures.milliseconds,
                isLogarithmic: true))
        return charts
    }

    /// Each nine is as wide as the one before.
    private static func nines(_ percentile: Double) -> Double { -log10(1 - min(percentile, 99.9995) / 100) }

    private func percentilePoints(_ value: (Point) -> Double) -> [(x: Double, y: Double)] {
        distribution.filter { $0.percentile < 100 }.map { (Self.nines($0.percentile), value($0)) }
    }

    private var secondTicks: [LineChart.Tick] {
        let last = intervals.last?.second ?? 0
        let step =
            [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600].first { last / $0 <= 12 } ?? 86_400
        return stride(from: 0, through: last, by: step).map { LineChart.Tick(place: Double($0), label: "\($0)") }
    }

    // MARK: Tables

    private var stepTable: String {
        guard let steps else { return "" }
        let rows = steps.map { step in
            [
                TextFigures.rate(step.rate), TextFigures.rate(step.achieved), TextFigures.milliseconds(step.p50),
                TextFigures.milliseconds(step.p99), TextFigures.count(step.errors), step.failed ?? "held",
            ]
        }
        return Self.table(["asked, requests/s", "achieved", "p50", "p99", "errors", ""], rows)
    }

    private var latencyTable: String {
        let shown: Set<Double> = [0, 50, 75, 90, 95, 99, 99.5, 99.9, 99.99, 99.999, 100]
        return Self.table(
            ["percentile", "corrected", "as seen"],
            distribution.filter { shown.contains($0.percentile) }.map { point in
                [
                    "\(point.percentile)", TextFigures.milliseconds(point.corrected),
                    TextFigures.milliseconds(point.uncorrected),
                ]
            })
    }

    private var countTable: String {
        var rows = statuses.sorted { $0.key < $1.key }.map { ["status \($0.key)", TextFigures.count($0.value)] }
        rows += errorsByKind.sorted { $0.key < $1.key }.map { ["error: \($0.key)", TextFigures.count($0.value)] }
        if unsent > 0 { rows.append(["never sent", TextFigures.count(unsent)]) }
        return Self.table(["answers", ""], rows)
    }

    private static func table(_ head: [String], _ rows: [[String]]) -> String {
        let cells = { (row: [String], tag: String) in
            "<tr>" + row.map { "<\(tag)>\(HTMLText.escaped($0))</\(tag)>" }.joined() + "</tr>"
        }
        return "<table><thead>\(cells(head, "th"))</thead><tbody>\n"
            + rows.map { cells($0, "td") }.joined(separator: "\n") + "</tbody></table>"
    }

    private static let style = """
        :root{color-scheme:light dark;--ink:#1c2126;--dim:#66707a;--paper:#fff;--line:#d9dee3;--one:#1f6feb;--two:#c2410c;--three:#8a94a0;--good:#1a7f37;--bad:#b3261e}
        @media(prefers-color-scheme:dark){:root{--ink:#e3e7eb;--dim:#98a2ad;--paper:#14181c;--line:#313840;--one:#6ea8fe;--two:#fb923c;--three:#77818c;--good:#3fb950;--bad:#ff7b72}}
        body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
        main{max-width:900px;margin:0 auto;padding:24px 20px}
        h1{font-size:22px;margin:0 0 8px;overflow-wrap:anywhere}
        p{margin:8px 0}.small,figcaption,.tick{color:var(--dim);font-size:13px}
        .badge{font-size:13px;padding:2px 9px;border-radius:10px;color:var(--paper);vertical-align:3px}.good{background:var(--good)}.bad{background:var(--bad)}
        .warning{color:var(--bad)}.knee{font-weight:600}
        .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(120px,1fr));gap:10px;margin:18px 0}
        .tiles div{border:1px solid var(--line);border-radius:8px;padding:10px 12px}.tiles b{display:block;font-size:20px}.tiles span{color:var(--dim);font-size:13px}
        figure{margin:22px 0}figcaption b{color:var(--ink);margin-right:10px}svg{width:100%;height:auto;display:block}
        .grid{stroke:var(--line)}svg .tick{fill:var(--dim);font-size:12px}
        polyline{fill:none;stroke-width:2;stroke-linejoin:round}polyline.one{stroke:var(--one)}polyline.two{stroke:var(--two)}polyline.three{stroke:var(--three);stroke-dasharray:3 3}
        .dot.one{fill:var(--one)}.dot.two{fill:var(--two)}.dot.three{fill:var(--three)}
        .key::before{content:"";display:inline-block;width:16px;height:3px;margin:0 5px 4px 8px;background:var(--three)}.key.one::before{background:var(--one)}.key.two::before{background:var(--two)}
        table{border-collapse:collapse;margin:16px 0;font-variant-numeric:tabular-nums}td,th{padding:4px 18px 4px 0;border-bottom:1px solid var(--line);text-align:left;font-weight:400}th{color:var(--dim);font-size:13px}
        """
}
