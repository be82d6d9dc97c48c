/// Reads what impact.com says about a conversion.
enum ImpactErrorText {
    enum Words: Equatable {
        /// It is queued, or an action already.
        case accepted
        case error(String)
        /// Anything else.
        case unknown
    }

    /// Reads the answers to a conversion: `{"Status":"QUEUED",…}`, `{"ActionId":…}`, and the two forms of errors,
    /// `Errors` of `{Field,Message}` and `errors` of `{field,level,message}`.
    static func read(_ body: Bytes, _ json: JSONScratch) -> Words {
        var reader = JSONReader(body, scratch: json, depthMax: CoreLimits.canonicalDepthMax)
        do throws(JSONError) {
            guard try reader.peek() == .object else { return .unknown }
            let words = try readObject(&reader, body)
            try reader.end()
            return words
        } catch {
            return .unknown
        }
    }

    private static func readObject(_ reader: inout JSONReader, _ body: Bytes) throws(JSONError) -> Words {
        var status: String?
        var message: String?
        var errors: [String] = []
        var isAction = false
        try reader.enterObject()
        while let key = try reader.nextKey() {
            let kind = try reader.peek()
            if kind == .string, key.equals("Status", in: body) {
                status = reader.decoded(try reader.string()).string
            } else if kind == .string, key.equals("Message", in: body) || key.equals("message", in: body) {
                message = reader.decoded(try reader.string()).string
            } else if kind == .array, key.equals("Errors", in: body) || key.equals("errors", in: body) {
                try readErrors(&reader, body, &errors)
            } else {
                if key.equals("ActionId", in: body), kind != .null { isAction = true }
                _ = try reader.skipValue()
            }
        }
        if !errors.isEmpty || status == "ERROR" {
            return .error(([message ?? "ERROR"] + errors).joined(separator: "; "))
        }
        return isAction || status == "QUEUED" ? .accepted : .unknown
    }

    /// Each as `field: message`, the first ten.
    private static func readErrors(
        _ reader: inout JSONReader, _ body: Bytes, _ errors: inout [String]
    ) throws(JSONError) {
        try reader.enterArray()
        while try reader.nextElement() {
            guard try reader.peek() == .object, errors.count < 10 else {
                _ = try reader.skipValue()
                continue
            }
            var field = ""
            var message = ""
            try reader.enterObject()
            while let key = try reader.nextKey() {
                let isField = key.equals("Field", in: body) || key.equals("field", in: body)
                let isMessage = key.equals("Message", in: body) || key.equals("message", in: body)
                guard isField || isMessage, try reader.peek() == .string else {
                    _ = try reader.skipValue()
                    continue
                }
                let text = reader.decoded(try reader.string()).string
                if isField { field = text } else { message = text }
            }
            errors.append(field.isEmpty ? message : "\(field): \(message)")
        }
    }
}
