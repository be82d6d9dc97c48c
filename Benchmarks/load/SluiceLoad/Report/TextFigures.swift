import Foundation

/// Figures as people read them.
enum TextFigures {
    /// `1234567` as `1,234,567`.
    static func count(_ value: Int) -> String {
        var text = ""
        for (place, digit) in String(value.magnitude).reversed().enumerated() {
            if place > 0, place % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return (value < 0 ? "-" : "") + String(text.reversed())
    }

    /// Whole from 100 on, else with one place.
    static func rate(_ value: Double) -> String {
        value >= 100 ? count(Int(value.rounded())) : String(format: "%.1f", value)
    }

    /// With three digits that count, in the unit that suits.
    static func milliseconds(_ value: Double) -> String {
        if value == 0 { return "0" }
        if value < 1 { return String(format: value < 0.1 ? "%.1f us" : "%.0f us", value * 1000) }
        if value >= 1000 { return String(format: "%.2f s", value / 1000) }
        return String(format: value < 10 ? "%.2f ms" : value < 100 ? "%.1f ms" : "%.0f ms", value)
    }

    static func seconds(_ value: Double) -> String {
        value == value.rounded() ? "\(Int(value)) s" : String(format: "%.1f s", value)
    }
}
