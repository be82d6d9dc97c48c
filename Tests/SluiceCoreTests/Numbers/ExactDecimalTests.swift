import Foundation
import Testing

@testable import SluiceCore

@Suite struct ExactDecimalTests {
    private func decimal(_ text: String) throws(ExactDecimalError) -> ExactDecimal {
        try Array(text.utf8).withBytes { (bytes) throws(ExactDecimalError) in try ExactDecimal.parse(bytes) }
    }

    private func text(_ number: ExactDecimal) -> String {
        var buffer = ByteBuffer(capacity: 16)
        buffer.append(number)
        return buffer.bytes.string
    }

    @Test(arguments: [
        ("0", "0"), ("-0", "0"), ("0.000", "0"), ("0e5", "0"), ("0e-999999999999", "0"), ("1", "1"), ("-1", "-1"),
        ("10", "10"), ("1000", "1000"), ("1e3", "1000"), ("1E+3", "1000"), ("12.50", "12.5"), ("0.5", "0.5"),
        ("-0.5", "-0.5"), ("0.05", "0.05"), ("5e-3", "0.005"), ("0.0001e2", "0.01"), ("100e-2", "1"),
        ("1200.00", "1200"),
        ("19.99", "19.99"), ("1000.0001", "1000.0001"), ("10203040.5060", "10203040.506"), ("123e-1", "12.3"),
        ("1e39", "1" + String(repeating: "0", count: 39)), ("1e40", "1e40"), ("12e39", "1.2e40"), ("-12e40", "-1.2e41"),
        ("1e-40", "0." + String(repeating: "0", count: 39) + "1"),
        ("1234567890123456789012345678901234e40", "1.234567890123456789012345678901234e73"),
        ("1.0000000000000000000000000000000000000000000", "1"),
        ("9999999999999999999999999999999999", "9999999999999999999999999999999999"),
        ("99999999999999999999999999999999990", "99999999999999999999999999999999990"),
        ("0.00000000000000000000000000000000000001e38", "1"), ("9223372036854775808", "9223372036854775808"),
    ])
    func reads(_ input: String, _ output: String) throws {
        #expect(text(try decimal(input)) == output)
        #expect(try decimal(output) == decimal(input))
    }

    @Test(arguments: [
        ("", ExactDecimalError.notANumber), ("-", .notANumber), ("+1", .notANumber), ("01", .notANumber),
        ("1.", .notANumber),
        (".5", .notANumber), ("1e", .notANumber), ("1e+", .notANumber), ("1.5.2", .notANumber), ("1 ", .notANumber),
        (" 1", .notANumber), ("1,5", .notANumber), ("0x1", .notANumber), ("NaN", .notANumber), ("--1", .notANumber),
        ("1e5x", .notANumber),
        ("-.5", .notANumber), ("00", .notANumber), ("99999999999999999999999999999999999x", .notANumber),
        ("12345678901234567890123456789012345", .tooManyDigits),
        ("1.0000000000000000000000000000000001", .tooManyDigits),
        ("-99999999999999999999999999999999999", .tooManyDigits), ("1e41", .exponentOutOfRange),
        ("1e-41", .exponentOutOfRange),
        ("10e40", .exponentOutOfRange), ("0.1e-40", .exponentOutOfRange),
        ("1e99999999999999999999", .exponentOutOfRange),
        ("1e-99999999999999999999", .exponentOutOfRange),
    ])
    func refuses(_ input: String, _ error: ExactDecimalError) {
        #expect(throws: error) { try decimal(input) }
    }

    @Test func moneyIsExact() throws {
        #expect(text(try decimal("19.99").multiplied(by: ExactDecimal(3))) == "59.97")
        #expect(text(try decimal("0.1").adding(decimal("0.2"))) == "0.3")
        #expect(text(try decimal("1.10").subtracting(decimal("0.10"))) == "1")
        #expect(text(try decimal("0.07").multiplied(by: decimal("100"))) == "7")
        #expect(try decimal("5").subtracting(decimal("5")).isZero)
        #expect(text(try decimal("1e40").multiplied(by: decimal("1e-40"))) == "1")
    }

    @Test func overflowIsAnError() throws {
        let long = try decimal("1234567890123456789")
        #expect(text(try long.multiplied(by: decimal("1000000000000000"))) == "1234567890123456789000000000000000")
        #expect(throws: ExactDecimalError.tooManyDigits) { try long.multiplied(by: long) }
        #expect(throws: ExactDecimalError.exponentOutOfRange) { try decimal("1e40").multiplied(by: decimal("10")) }
        #expect(throws: ExactDecimalError.exponentOutOfRange) { try decimal("1e-40").multiplied(by: decimal("0.1")) }
        #expect(throws: ExactDecimalError.tooManyDigits) { try decimal("1e40").adding(decimal("1e-40")) }
        #expect(throws: ExactDecimalError.tooManyDigits) { try decimal("1e34").adding(decimal("1")) }
        #expect(text(try decimal("1e33").adding(decimal("1"))) == "1000000000000000000000000000000001")
        let most = try decimal("9999999999999999999999999999999999")
        #expect(text(try most.adding(ExactDecimal(1))) == "10000000000000000000000000000000000")
        #expect(throws: ExactDecimalError.tooManyDigits) { try most.adding(ExactDecimal(2)) }
        // The factors have no zero at the end, the product has forty: it needs few digits after all.
        let twos = try decimal("1099511627776")  // 2^40
        let fives = try decimal("9094947017729282379150390625")  // 5^40
        #expect(text(try twos.multiplied(by: fives)) == "1e40")
        #expect(text(try fives.multiplied(by: twos)) == "1e40")
    }

    @Test func comparesByValue() throws {
        let ordered = try [
            "-1e40", "-12", "-11.9", "-1", "-0.5", "-1e-40", "0", "1e-40", "0.05", "0.5",
            "0.50000000000000000000000000000001",
            "1", "9", "9.5", "10", "11.9", "12", "100", "1e33", "1000000000000000000000000000000001", "1e40",
        ].map { try decimal($0) }
        for (index, left) in ordered.enumerated() {
            for (other, right) in ordered.enumerated() {
                #expect((left < right) == (index < other))
                #expect((left == right) == (index == other))
            }
        }
        #expect(try decimal("1.50") == decimal("15e-1"))
        #expect(try decimal("-1").isNegative && decimal("1").isPositive && !decimal("-0").isNegative)
    }

    @Test func integersAreExactOrNothing() throws {
        for value in [0, 7, -7, 100, Int.max, Int.min] {
            #expect(ExactDecimal(value).integer == value)
            #expect(try decimal("\(value)").integer == value)
        }
        #expect(try decimal("1e18").integer == 1_000_000_000_000_000_000)
        for text in ["0.5", "9223372036854775808", "-9223372036854775809", "1e19", "1e40"] {
            #expect(try decimal(text).integer == nil)
        }
    }

    /// Random sums and products, as Foundation's Decimal (38 digits) computes them.
    @Test func agreesWithFoundation() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var random = SeededRandom(seed: seed)
        func amount() -> String {
            let digits = Int.random(in: 1...8, using: &random)
            let whole =
                Int.random(in: 0..<1_000_000_000, using: &random) % [10, 1000, 1_000_000_000].randomElement(
                    using: &random)!
            let fraction = String((0..<digits).map { _ in "0123456789".randomElement(using: &random)! })
            return (Bool.random(using: &random) ? "-" : "") + "\(whole)"
                + (Bool.random(using: &random) ? "." + fraction : "")
        }
        for _ in 0..<5000 {
            let (left, right) = (amount(), amount())
            let (a, b) = (try decimal(left), try decimal(right))
            let (x, y) = (Decimal(string: left)!, Decimal(string: right)!)
            if Decimal(string: text(try a.multiplied(by: b))) != x * y {
                Issue.record("seed \(seed): \(left) * \(right)")
            }
            if Decimal(string: text(try a.adding(b))) != x + y { Issue.record("seed \(seed): \(left) + \(right)") }
            if Decimal(string: text(try a.subtracting(b))) != x - y { Issue.record("seed \(seed): \(left) - \(right)") }
            if (a < b) != (x < y) { Issue.record("seed \(seed): \(left) < \(right)") }
            if (a == b) != (x == y) { Issue.record("seed \(seed): \(left) == \(right)") }
        }
    }
}

@Suite struct ExactDivisionTests {
    private func number(_ text: String) -> ExactDecimal? { Array(text.utf8).withBytes { try? ExactDecimal.parse($0) } }

    @Test(arguments: [
        ("10", "4", "2.5"), ("0", "7", "0"), ("12.5", "0.5", "25"), ("-3", "8", "-0.375"), ("1e30", "1e-5", "1e35"),
        ("29.97", "3", "9.99"),
    ])
    func divides(_ left: String, _ right: String, _ quotient: String) throws {
        #expect(try #require(number(left)).dividedExactly(by: #require(number(right))) == number(quotient))
    }

    @Test(arguments: [("1", "3"), ("10", "0"), ("0", "0"), ("1e40", "1e-40")])
    func hasNoQuotient(_ left: String, _ right: String) throws {
        #expect(try #require(number(left)).dividedExactly(by: #require(number(right))) == nil)
    }

    @Test func `small numbers are as all others`() throws {
        var random = SplitMix64(seed: 6)
        func digits() -> String {
            var text = String(random.next() % (10 << (random.next() % 58)))
            let decimals = Int(random.next(below: 8))
            if decimals < text.utf8.count, decimals > 0 {
                text.insert(".", at: text.index(text.endIndex, offsetBy: -decimals))
            }
            return text
        }
        for _ in 0..<20_000 {
            let (left, right) = (digits(), digits())
            let number = try Array(left.utf8).withBytes { try ExactDecimal.parse($0) }
            #expect(try Array(left.utf8).withBytes { try ExactDecimal.scan($0) } == number, "\(left)")
            var usual = ByteBuffer(capacity: 64)
            usual.append(number)
            var any = ByteBuffer(capacity: 64)
            any.appendAny(number)
            #expect(usual.bytes.array == any.bytes.array, "\(left)")
            let divisor = try Array(right.utf8).withBytes { try ExactDecimal.parse($0) }
            guard !divisor.isZero, !number.isZero else { continue }
            #expect(number.dividedExactly(by: divisor) == number.dividedInFull(by: divisor), "\(left) / \(right)")
            guard let product = try? number.multiplied(by: divisor) else { continue }
            #expect(product.dividedExactly(by: divisor) == number)
        }
    }
}
