/// A token bucket over requests.
///
/// The bucket holds one second's worth of tokens, at least one, so that an hour never sees more
/// than its amount and that second's. Tokens are counted in parts of a request so small that
/// slow rates lose nothing to rounding.
///
/// Invariant: 0 <= `level` <= `capacity`.
package struct RateLimiter: ~Copyable {
    // One request costs `period` parts; each millisecond brings `amount` parts.
    private let amount: Int64
    private let period: Int64
    private let capacity: Int64
    private var level: Int64
    private var last: Int64?

    /// - Parameter rate: nil limits nothing.
    package init(_ rate: DeliveryRate?) {
        amount = Int64(rate?.amount ?? 0)
        period = Int64(rate?.periodMilliseconds ?? 0)
        capacity = max(period, amount * 1000)
        level = capacity
    }

    private mutating func refill(_ now: Int64) {
        let elapsed = max(0, now - (last ?? now))
        last = max(now, last ?? now)
        // Longer than it takes to fill is as good as full, and cannot overflow.
        level = elapsed >= capacity / amount + 1 ? capacity : min(capacity, level + elapsed * amount)
    }

    /// When a request may start: `now` or later.
    package mutating func readyAt(_ now: Int64) -> Int64 {
        guard amount > 0 else { return now }
        refill(now)
        guard level < period else { return now }
        return now + (period - level + amount - 1) / amount
    }

    /// Takes the token of one request. Call only when `readyAt(now) <= now`.
    package mutating func take(_ now: Int64) {
        guard amount > 0 else { return }
        refill(now)
        precondition(level >= period, "a request was started without a token")
        level -= period
    }
}
