import Testing

@testable import SluiceCore

@Suite struct LinePlansTests {
    /// A plan that fits one line only.
    private func plan(_ line: String) -> EncodingPlan? {
        Array(line.utf8).withBytes { line in
            EncodingPlan.learned(tag: 0, line: line, output: Bytes("out"), values: [], copies: [], now: 0)
        }
    }

    private func finds(_ line: String, _ plans: inout LinePlans<EncodingPlan>) -> Bool {
        Array(line.utf8).withBytes { plans.find($0) != nil }
    }

    @Test func theOneNotUsedLongestGoes() {
        var plans = LinePlans<EncodingPlan>()
        for number in 0..<LinePlans<EncodingPlan>.countMax { plans.add(plan("line \(number)")) }
        for number in 0..<LinePlans<EncodingPlan>.countMax where number != 3 {
            for _ in 0..<LinePlans<EncodingPlan>.worthwhileUses { #expect(finds("line \(number)", &plans)) }
        }
        plans.add(plan("new"))
        #expect(plans.plans.count == LinePlans<EncodingPlan>.countMax)
        #expect(finds("new", &plans) && finds("line 0", &plans) && !finds("line 3", &plans))
    }

    @Test func plansThatServeNobodyAreMadeLessOften() {
        var plans = LinePlans<EncodingPlan>()
        var made = 0
        for number in 0..<10_000 where plans.wantsMore() {
            plans.add(plan("line \(number)"))
            made += 1
        }
        #expect(made > LinePlans<EncodingPlan>.countMax && made < 50)
    }

    @Test func whatGivesNoPlanIsAskedLessOften() {
        var plans = LinePlans<EncodingPlan>()
        var asked = 0
        for _ in 0..<10_000 where plans.wantsMore() {
            plans.add(nil)
            asked += 1
        }
        #expect(asked > 2 && asked < 50)
    }

    /// A plan must not be kept that makes something else of its own line.
    @Test func aPlanThatIsWrongIsNone() {
        let line = Array("ab\"cd".utf8)
        line.withBytes { line in
            let value = EncodingPlan.Value(start: 0, count: 2, role: .copied)
            func learn(_ output: StaticString, _ start: Int) -> EncodingPlan? {
                let copy = EncodingPlan.Copy(start: start, count: 2, value: 0)
                return .learned(tag: 0, line: line, output: Bytes(output), values: [value], copies: [copy], now: 0)
            }
            #expect(learn("xxab", 2) != nil)
            #expect(learn("xxab", 1) == nil)
            let wrong = EncodingPlan.Value(start: 0, count: 2, role: .number)
            #expect(
                EncodingPlan.learned(tag: 0, line: line, output: Bytes("x"), values: [wrong], copies: [], now: 0) == nil
            )
            #expect(
                EncodingPlan.learned(
                    tag: 0, line: line, output: Bytes("x"), values: [value, value], copies: [], now: 0) == nil)
        }
    }

    @Test(
        arguments: [
            ("00:00:00.000Z", 0), ("03:04:05.678Z", 11_045_678), ("23:59:59.999Z", 86_399_999), ("24:00:00.000Z", nil),
            ("00:60:00.000Z", nil), ("00:00:60.000Z", nil), ("00:00:00.00Z", nil), ("00.00:00.000Z", nil),
            ("00:00:00.0a0Z", nil), ("00:00:00.000z", nil), (":0:00:00.000Z", nil), ("", nil),
        ] as [(String, Int64?)])
    func timesOfDay(_ text: String, _ milliseconds: Int64?) {
        #expect(Array(text.utf8).withBytes { EncodingPlan.timeOfDay($0, 0) } == milliseconds)
    }
}
