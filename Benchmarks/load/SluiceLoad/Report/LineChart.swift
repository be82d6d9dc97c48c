import Foundation

/// A line chart as inline SVG, in the colours of the page that holds it.
struct LineChart {
    struct Series {
        var name: String
        /// A class of the page's style sheet.
        var style: String
        var points: [(x: Double, y: Double)]
    }

    struct Tick {
        var place: Double
        var label: String
    }

    var title: String
    var series: [Series]
    /// Where the horizontal axis has marks; in the points' own unit.
    var xTicks: [Tick]
    var xLabel: String
    var yLabel: (Double) -> String
    /// Vertical places are logarithms of the values.
    var isLogarithmic = false

    private static let width = 860.0
    private static let height = 250.0
    private static let left = 76.0
    private static let right = 16.0
    private static let top = 14.0
    private static let bottom = 40.0

    var svg: String {
        let points = series.flatMap(\.points)
        guard let xMin = points.map(\.x).min(), let xMax = points.map(\.x).max() else { return "" }
        let yTicks = isLogarithmic ? decades(points.map(\.y)) : evenTicks(points.map(\.y).max() ?? 0)
        let low = transformed(yTicks[0])
        let high = transformed(yTicks[yTicks.count - 1])
        func x(_ value: Double) -> String {
            let share = xMax > xMin ? (value - xMin) / (xMax - xMin) : 0.5
            return Self.number(Self.left + share * (Self.width - Self.left - Self.right))
        }
        func y(_ value: Double) -> String {
            let share = high > low ? (transformed(max(value, yTicks[0])) - low) / (high - low) : 0
            return Self.number(Self.height - Self.bottom - share * (Self.height - Self.top - Self.bottom))
        }
        var parts = [
            "<svg viewBox=\"0 0 \(Int(Self.width)) \(Int(Self.height))\" role=\"img\" aria-label=\"\(HTMLText.escaped(title))\">"
        ]
        for tick in yTicks {
            parts.append(
                "<line class=\"grid\" x1=\"\(Int(Self.left))\" x2=\"\(Int(Self.width - Self.right))\" y1=\"\(y(tick))\" y2=\"\(y(tick))\"/>"
                    + "<text class=\"tick\" text-anchor=\"end\" x=\"\(Int(Self.left) - 8)\" y=\"\(y(tick))\" dy=\"4\">\(HTMLText.escaped(yLabel(tick)))</text>"
            )
        }
        let axis = Int(Self.height - Self.bottom)
        for tick in xTicks where tick.place >= xMin && tick.place <= xMax {
            parts.append(
                "<text class=\"tick\" text-anchor=\"middle\" x=\"\(x(tick.place))\" y=\"\(axis + 16)\">\(HTMLText.escaped(tick.label))</text>"
            )
        }
        parts.append(
            "<text class=\"tick\" text-anchor=\"end\" x=\"\(Int(Self.width - Self.right))\" y=\"\(axis + 33)\">\(HTMLText.escaped(xLabel))</text>"
        )
        for line in series where !line.points.isEmpty {
            if line.points.count == 1 {
                parts.append(
                    "<circle class=\"\(line.style) dot\" cx=\"\(x(line.points[0].x))\" cy=\"\(y(line.points[0].y))\" r=\"3\"/>"
                )
            }
            let path = line.points.map { "\(x($0.x)),\(y($0.y))" }.joined(separator: " ")
            parts.append("<polyline class=\"\(line.style)\" points=\"\(path)\"/>")
        }
        parts.append("</svg>")
        return parts.joined(separator: "\n")
    }

    /// The chart with its title and what each line is.
    var figure: String {
        let legend =
            series.count < 2
            ? ""
            : series.map { "<span class=\"\($0.style) key\">\(HTMLText.escaped($0.name))</span>" }.joined(
                separator: " ")
        return "<figure><figcaption><b>\(HTMLText.escaped(title))</b> \(legend)</figcaption>\n\(svg)</figure>"
    }

    private func transformed(_ value: Double) -> Double { isLogarithmic ? log10(max(value, 1e-6)) : value }

    /// From 0 to at least `most`, in four or five steps of 1, 2 or 5 times a power of ten.
    private func evenTicks(_ most: Double) -> [Double] {
        guard most > 0 else { return [0, 1] }
        let power = pow(10, floor(log10(most / 4)))
        let step = [1.0, 2, 5, 10].map { $0 * power }.first { $0 * 5 >= most } ?? most
        return (0...Int((most / step).rounded(.up))).map { Double($0) * step }
    }

    private func decades(_ values: [Double]) -> [Double] {
        let positive = values.filter { $0 > 0 }
        let from = Int(floor(log10(positive.min() ?? 0.01)))
        let to = max(from + 1, Int(ceil(log10(positive.max() ?? 1))))
        return (from...to).map { pow(10, Double($0)) }
    }

    private static func number(_ value: Double) -> String { String(format: "%.1f", value) }
}

/// Text within HTML.
enum HTMLText {
    static func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
            .replacingOccurrences(of: ">", with: "&gt;").replacingOccurrences(of: "\"", with: "&quot;")
    }
}
