/// Notes what an encoder copies from a draft to a request, and makes a plan of it.
///
/// Owner: the encoder that holds it.
final class EncodingRecorder {
    private var start = 0
    private var copies: [(slot: Slot, start: Int)] = []
    private var timeStart: Int?

    /// Begins with an event that will be written behind so many bytes.
    func begin(at start: Int) {
        self.start = start
        copies.removeAll(keepingCapacity: true)
        timeStart = nil
    }

    /// A value is about to be written behind `count` bytes: a text with its quotation marks, a number as it is.
    func note(_ slot: Slot, behind count: Int) {
        copies.append((slot, count - start + (slot.form == .verbatim ? 1 : 0)))
    }

    /// The event's time is about to be written there, without quotation marks.
    func noteTime(behind count: Int) { timeStart = count - start }

    /// The plan of the event that was written, or nil where there is none to be had.
    ///
    /// - Parameters:
    ///   - line: which the draft was read from.
    ///   - written: what `out` holds from where the recorder began.
    ///   - passedOver: fields whose texts make no difference to what was written.
    func plan(
        tag: UInt8, line: Bytes, written: Bytes, _ fields: borrowing EventFields, passedOver: [EventField],
        now milliseconds: Int64
    ) -> EncodingPlan? {
        guard line.count <= EncodingPlan.lineBytesMax, var values = EncodingRecorder.times(line, fields) else {
            return nil
        }
        for field in EventField.allCases {
            guard let slot = fields.slot(field), slot.region == .input, field != .type, field != .occurredAt,
                field != .receivedAt, let role = role(slot, passedOver.contains(field), fields)
            else { continue }
            values.append(EncodingPlan.Value(start: Int(slot.start), count: Int(slot.count), role: role))
        }
        values.sort { $0.start < $1.start }
        var all = copies.compactMap { copy -> EncodingPlan.Copy? in
            let place = Int(copy.slot.start)
            guard copy.slot.region == .input, let value = values.firstIndex(where: { $0.start == place }) else {
                return nil
            }
            return EncodingPlan.Copy(start: copy.start, count: Int(copy.slot.count), value: value)
        }
        if let timeStart {
            let count = EncodingPlan.dateCount + EncodingPlan.timeCount
            all.append(EncodingPlan.Copy(start: timeStart, count: count, value: nil))
        }
        all.sort { $0.start < $1.start }
        return .learned(tag: tag, line: line, output: written, values: values, copies: all, now: milliseconds)
    }

    /// Nil for what must be as it was.
    private func role(_ slot: Slot, _ isPassedOver: Bool, _ fields: borrowing EventFields) -> EncodingPlan.Role? {
        let isCopied = copies.contains { $0.slot.start == slot.start && $0.slot.region == .input }
        switch slot.form {
        case .verbatim: return isCopied ? .copied : isPassedOver ? .passedOver : nil
        case .raw:
            let text = fields.bytes(slot)
            for index in 0..<text.count where text[index] &- 0x30 > 9 { return nil }
            return isCopied && 1...9 ~= text.count ? .number : nil
        case .plain, .foreign: return nil
        }
    }

    /// Where the times stand, which every line has near its beginning; nil where it begins otherwise.
    private static func times(_ line: Bytes, _ fields: borrowing EventFields) -> [EncodingPlan.Value]? {
        guard let id = fields.slot(.id), id.region == .input, id.form == .verbatim else { return nil }
        var values: [EncodingPlan.Value] = []
        var place = Int(id.start + id.count)
        func pass(_ text: StaticString) -> Bool {
            guard line[place..<line.count].hasPrefix(text) else { return false }
            place += text.utf8CodeUnitCount
            return true
        }
        func time(_ milliseconds: Int64, _ role: EncodingPlan.Role) -> Bool {
            let start = place + EncodingPlan.dateCount
            place = start + EncodingPlan.timeCount
            guard place <= line.count, let time = EncodingPlan.timeOfDay(line, start) else { return false }
            values.append(
                EncodingPlan.Value(
                    start: start, count: EncodingPlan.timeCount, role: role, dayMilliseconds: milliseconds - time))
            return true
        }
        guard line.hasPrefix("{\"id\":\""), id.start == 7, pass("\",\"type\":\""), pass(fields.type.name) else {
            return nil
        }
        if fields.has(.occurredAt) {
            guard pass("\",\"occurred_at\":\""), time(fields.occurredMilliseconds, .occurred) else { return nil }
        }
        guard pass("\",\"received_at\":\""), time(fields.receivedMilliseconds, .received), pass("\"") else {
            return nil
        }
        return values
    }
}
