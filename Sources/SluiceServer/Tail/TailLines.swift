import SluiceCore
import SluiceLog

/// The lines of a tail: one JSON object each, told apart by `kind`. An event stands last in its line, byte
/// for byte as it is in the log, so that it can be cut out.
struct TailLines: ~Copyable {
    private(set) var buffer = ByteBuffer(capacity: 64 << 10)

    mutating func clear() { buffer.removeAll() }

    mutating func event(_ line: Bytes, _ sequence: EventSequence) {
        buffer.append("{\"kind\":\"event\",")
        appendSequence(sequence)
        end(with: line)
    }

    mutating func outcome(
        _ outcome: Outcome, at destination: String, _ row: StateReader.ExceptionalRow?, of line: Bytes,
        _ sequence: EventSequence
    ) {
        buffer.append("{\"kind\":\"outcome\",\"destination\":")
        appendText(destination)
        buffer.append(",\"outcome\":\"")
        buffer.append(outcome.rawValue)
        buffer.append("\",")
        if let row {
            buffer.append("\"status\":")
            buffer.appendDecimal(row.status)
            buffer.append(",\"attempts\":")
            buffer.appendDecimal(row.attempts)
            buffer.append(",\"reason\":")
            appendText(row.reason)
            buffer.append(",")
        }
        appendSequence(sequence)
        end(with: line)
    }

    mutating func refused(_ row: RefusedRow) {
        buffer.append("{\"kind\":\"refused\",\"at\":\"")
        buffer.appendTimestamp(row.atMilliseconds)
        buffer.append("\",\"status\":")
        buffer.appendDecimal(row.status)
        buffer.append(",\"platform\":")
        appendText(row.platform)
        if let source = row.source {
            buffer.append(",\"source\":")
            appendText(source)
        }
        buffer.append(",\"path\":")
        appendText(row.path)
        buffer.append(",\"accepted\":")
        buffer.appendDecimal(row.accepted)
        buffer.append(",\"rejected\":")
        buffer.appendDecimal(row.rejected)
        if row.suppressed > 0 {
            buffer.append(",\"suppressed\":")
            buffer.appendDecimal(row.suppressed)
        }
        buffer.append(",\"reason\":")
        appendText(row.reason)
        buffer.append("}\n")
    }

    /// So many were left out because they were not read in time.
    mutating func dropped(_ count: Int64) {
        buffer.append("{\"kind\":\"dropped\",\"count\":")
        buffer.appendDecimal(Int(count))
        buffer.append("}\n")
    }

    mutating func heartbeat(_ milliseconds: Int64) {
        buffer.append("{\"kind\":\"heartbeat\",\"at\":\"")
        buffer.appendTimestamp(milliseconds)
        buffer.append("\"}\n")
    }

    mutating func end(_ reason: StaticString) {
        buffer.append("{\"kind\":\"end\",\"reason\":\"")
        buffer.append(reason)
        buffer.append("\"}\n")
    }

    private mutating func appendSequence(_ sequence: EventSequence) {
        buffer.append("\"sequence\":\"")
        buffer.appendDecimal(Int(sequence.block))
        buffer.append(".")
        buffer.appendDecimal(sequence.index)
        buffer.append("\"")
    }

    private mutating func end(with line: Bytes) {
        buffer.append(",\"event\":")
        buffer.append(line)
        buffer.append("}\n")
    }

    private mutating func appendText(_ text: String) {
        var json = ""
        json.appendJSON(text)
        buffer.append(json)
    }
}
