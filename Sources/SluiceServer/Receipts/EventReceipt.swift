import Foundation
import SluiceCore

/// What became of one event: where it stands in the log, and its outcome at each destination. In JSON the
/// canonical event stands beside these members, as `event`.
package struct EventReceipt: Sendable, Equatable, Codable {
    package var id = ""
    package var type = ""
    /// `block.index`.
    package var sequence = ""
    /// RFC 3339.
    package var receivedAt = ""
    package var source = ""
    package var platform = ""
    package var destinations: [DestinationReceipt] = []

    package init() {}
}

/// What became of an event at one destination.
package struct DestinationReceipt: Sendable, Equatable, Codable {
    package enum State: String, Sendable, Codable, CaseIterable {
        case delivered, rejected, parked, expired, filtered, pending
        /// It was received before this destination began.
        case notDue = "not_due"
        /// It was passed before outcomes were kept by block, and has none of its own on record.
        case unrecorded
    }

    package enum Stage: String, Sendable, Codable, CaseIterable {
        /// The destination has not come so far.
        case unread
        /// To be sent with one of the next requests.
        case ready
        case inFlight = "in_flight"
        /// To be sent again.
        case waiting
    }

    package var destination: String
    package var outcome: State
    /// Of a pending event, where the gateway runs.
    package var stage: Stage?
    /// The platform's HTTP status; nil when there was no answer.
    package var status: Int?
    package var reason: String?
    package var attempts: Int?
    /// RFC 3339.
    package var firstAttemptAt: String?
    package var lastAttemptAt: String?
    package var url: String?
    /// Of a pending event: events the destination has no outcome for.
    package var lagEvents: Int64?

    package init(destination: String, outcome: State) {
        self.destination = destination
        self.outcome = outcome
    }
}

/// A receipt and the canonical event it is about, without its line feed.
package struct TracedEvent: Sendable, Equatable {
    package var receipt: EventReceipt
    package var line: [UInt8]

    package init(receipt: EventReceipt, line: [UInt8]) {
        self.receipt = receipt
        self.line = line
    }
}

/// Receipts as JSON: an array, the newest event first.
package enum ReceiptJSON {
    /// The canonical event goes in byte for byte: its decimals are text that no number type may touch.
    package static func encode(_ events: [TracedEvent]) -> String {
        let elements = events.map { event in
            #"{"event":"# + String(decoding: event.line, as: UTF8.self) + ","
                + AdminJSON.encode(event.receipt).dropFirst()
        }
        return "[" + elements.joined(separator: ",") + "]"
    }

    /// Nil when the text is not such an array.
    package static func decode(_ text: [UInt8]) -> [TracedEvent]? {
        guard let receipts = AdminJSON.decode([EventReceipt].self, from: text) else { return nil }
        let lines: [[UInt8]]? = text.withBytes { ReceiptJSON.lines(in: $0) }
        guard let lines, lines.count == receipts.count else { return nil }
        return zip(receipts, lines).map { TracedEvent(receipt: $0, line: $1) }
    }

    /// The member `event` of each element, as it stands there.
    private static func lines(in text: Bytes) -> [[UInt8]]? {
        var lines: [[UInt8]] = []
        do throws(JSONError) {
            var reader = JSONReader(text, scratch: JSONScratch())
            try reader.enterArray()
            while try reader.nextElement() {
                var line: [UInt8]?
                try reader.enterObject()
                while let key = try reader.nextKey() {
                    let isEvent = reader.decoded(key).equals("event")
                    let range = try reader.skipValue()
                    if isEvent { line = text[range].array }
                }
                guard let line else { return nil }
                lines.append(line)
            }
        } catch {
            return nil
        }
        return lines
    }
}
