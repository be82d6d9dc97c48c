// Requests that must be refused, so that refusing is part of the traffic.

extension TrafficMint {
    mutating func invalid(now: Int64) -> TrafficRequest {
        if let accounts = target.accounts, chance(Double(mix.withAccounts) / Double(mix.total)) {
            switch random.next(below: 4) {
            case 0: return gowitRefused(accounts)
            case 1: return vtexRefused(accounts, now: now)
            case 2: return kevelRefused(accounts)
            default: return impactRefused(accounts)
            }
        }
        return switch random.next(below: 8) {
        case 0: nativeWithOneBad(now: now)
        case 1: nativeRefused("{\"id\":\"\(TraceID(using: &random))\",\"user\":{\"id\":\"u\"}}")
        case 2: nativeRefused("{\"type\":\"click\",\"user\":{\"id\":\"u\"")
        case 3: nativeRefused("{\"type\":\"teleport\",\"user\":{\"id\":\"u\"}}")
        case 4:
            topsortRefused(
                "{\"impressions\":[{\"id\":\"\(TraceID(using: &random))\",\"opaqueUserId\":\"u\"}]}",
                statuses: [400, 422])
        case 5: topsortRefused("{\"impressions\":[],\"clicks\":[]}", statuses: [400])
        case 6: topsortRefused("{\"impressions\":7}", statuses: [400, 422])
        default: topsortBatchWithOneBad(now: now)
        }
    }

    /// Native keeps the good events of a batch.
    private mutating func nativeWithOneBad(now: Int64) -> TrafficRequest {
        let bad = random.next(below: 4)
        var texts: [String] = []
        var events: [TrafficEvent] = []
        for index in 0..<4 {
            if index == bad {
                texts.append("{\"type\":\"click\",\"user\":\"not an object\"}")
            } else {
                let (text, event) = nativeEvent(now: now)
                texts.append(text)
                events.append(event)
            }
        }
        return post(
            "/v1/events", body: "[\(texts.joined(separator: ","))]", events: events, form: .native,
            expectation: .partly(refusedIndexes: [bad]))
    }

    /// Topsort refuses the batch as a whole: none of its good events counts.
    private mutating func topsortBatchWithOneBad(now: Int64) -> TrafficRequest {
        var arrays: [String: [String]] = [:]
        for _ in 0..<3 {
            let (array, text, _) = topsortEvent(now: now)
            arrays[array, default: []].append(text)
        }
        arrays["clicks", default: []].append("{\"id\":\"\",\"opaqueUserId\":\"u\"}")
        return topsortRefused(Self.topsortBody(arrays), statuses: [400, 422])
    }

    private func nativeRefused(_ body: String) -> TrafficRequest {
        post(
            "/v1/events", body: body, events: [], form: .native, expectation: .refused(statuses: [400]))
    }

    private func topsortRefused(_ body: String, statuses: [Int]) -> TrafficRequest {
        post(
            "/topsort/v2/events", body: body, events: [], form: .topsort,
            expectation: .refused(statuses: statuses))
    }
}
