/// The plans of one encoder: one for each kind of line it sees most.
///
/// Lines of which no two are alike would have a plan made for each and used for none. So a plan that did not serve
/// before it must make room has the next lines go without, twice as many as the last time.
///
/// Invariant: there are at most `countMax` plans. Owner: the encoder.
struct EncodingPlans: ~Copyable {
    static let countMax = 8
    /// A plan that served so often was worth making.
    static let worthwhileUses = 8
    static let pauseMax = 4096

    private(set) var plans: [EncodingPlan] = []
    private var latest = 0
    private var uses = 0
    /// Lines that still go without, and how many it were the last time.
    private var pause = 0
    private var lastPause = 0

    /// The plan that fits the line, if there is one.
    mutating func find(_ line: Bytes) -> EncodingPlan? {
        guard latest < plans.count else { return nil }
        if plans[latest].match(line) { return use(latest) }
        for index in plans.indices where index != latest && plans[index].match(line) { return use(index) }
        return nil
    }

    private mutating func use(_ index: Int) -> EncodingPlan {
        latest = index
        uses &+= 1
        let plan = plans[index]
        plan.lastUse = uses
        plan.uses &+= 1
        return plan
    }

    /// Whether a plan is to be made of the line that had none. Ask once for each.
    mutating func wantsMore() -> Bool {
        guard pause > 0 else { return true }
        pause -= 1
        return false
    }

    /// Takes a plan in, or takes note that there is none to be had.
    mutating func add(_ plan: EncodingPlan?) {
        guard let plan else { return slowDown() }
        plan.lastUse = uses
        if plans.count < EncodingPlans.countMax {
            plans.append(plan)
            latest = plans.count - 1
            return
        }
        var oldest = 0
        for index in plans.indices where plans[index].lastUse < plans[oldest].lastUse { oldest = index }
        if plans[oldest].uses < EncodingPlans.worthwhileUses { slowDown() } else { lastPause = 0 }
        plans[oldest] = plan
        latest = oldest
    }

    private mutating func slowDown() {
        lastPause = min(max(1, lastPause * 2), EncodingPlans.pauseMax)
        pause = lastPause
    }
}
