import SluiceCore

/// What impact.com answers about a submission: `BatchId`, `Status`, `Type`, `OrderId`, and where it went
/// wrong `ErrorType` and `ErrorReason`.
struct SubmissionReport: Sendable, Equatable {
    enum Status: String, Sendable {
        case queued = "Queued"
        case inProgress = "In Progress"
        case complete = "Complete"
    }

    /// `A-` and the event's id.
    var batchID: String
    var status: Status
    var orderID: String
    /// Why a destination did not get it, and in whose words.
    var error: (type: String, reason: String)?

    init(batchID: String, status: Status, orderID: String, error: (type: String, reason: String)? = nil) {
        self.batchID = batchID
        self.status = status
        self.orderID = orderID
        self.error = error
    }

    /// Of a conversion of which nothing is known but its id.
    init(of id: SubmissionID) {
        self.init(batchID: "A-" + String(decoding: id.event, as: UTF8.self), status: .queued, orderID: "")
    }

    static func == (left: SubmissionReport, right: SubmissionReport) -> Bool {
        left.batchID == right.batchID && left.status == right.status && left.orderID == right.orderID
            && left.error?.type == right.error?.type && left.error?.reason == right.error?.reason
    }

    func write(to answer: inout PlatformAnswer) {
        answer.status = 200
        answer.contentType = .json
        answer.body.append("{\"BatchId\":")
        SubmissionReport.append(batchID, &answer.body)
        answer.body.append(",\"Status\":")
        SubmissionReport.append(status.rawValue, &answer.body)
        answer.body.append(",\"Type\":\"Conversion\",\"OrderId\":")
        SubmissionReport.append(orderID, &answer.body)
        if let error {
            answer.body.append(",\"ErrorType\":")
            SubmissionReport.append(error.type, &answer.body)
            answer.body.append(",\"ErrorReason\":")
            SubmissionReport.append(error.reason, &answer.body)
        }
        answer.body.append("}")
    }

    private static func append(_ text: String, _ out: inout ByteBuffer) {
        Array(text.utf8).withBytes { out.appendJSONString($0) }
    }
}
