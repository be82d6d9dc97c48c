/// What is known of lines of one kind.
protocol LinePlan: AnyObject {
    /// Whether the line is of the kind.
    func match(_ line: Bytes) -> Bool
    /// When it served last, and how often; `LinePlans` counts.
    var lastUse: Int { get set }
    var uses: Int { get set }
}

/// A few plans: one for each kind of line that is seen most.
///
/// Lines of which no two are alike would have a plan made for each and used for none. So a plan that did not serve
/// before it must make room has the next lines go without, twice as many as the last time.
///
/// Invariant: there are at most `countMax` plans. Owner: one thread.
struct LinePlans<Plan: LinePlan>: ~Copyable {
    static var countMax: Int { 8 }
    /// A plan that served so often was worth making.
    static var worthwhileUses: Int { 8 }
    static var pauseMax: Int { 4096 }

    private(set) var plans: [Plan] = []
    private var latest = 0
    private var uses = 0
    /// Lines that still go without, and how many it were the last time.
    private var pause = 0
    private var lastPause = 0

    /// The plan that fits the line, if there is one.
    mutating func find(_ line: Bytes) -> Plan? {
        guard latest < plans.count else { return nil }
        if plans[latest].match(line) { return use(latest) }
        for index in plans.indices where index != latest && plans[index].match(line) { return use(index) }
        return nil
    }

    private mutating func use(_ index: Int) -> Plan {
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
    mutating func add(_ plan: Plan?) {
        guard let plan else { return slowDown() }
        plan.lastUse = uses
        if plans.count < Self.countMax {
            plans.append(plan)
            latest = plans.count - 1
            return
        }
        var oldest = 0
        for index in plans.indices where plans[index].lastUse < plans[oldest].lastUse { oldest = index }
        if plans[oldest].uses < Self.worthwhileUses { slowDown() } else { lastPause = 0 }
        plans[oldest] = plan
        latest = oldest
    }

    private mutating func slowDown() {
        lastPause = min(max(1, lastPause * 2), Self.pauseMax)
        pause = lastPause
    }
}
