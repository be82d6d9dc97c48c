/// What a body is, for platforms that take JSON and forms under several names.
enum BodyKind {
    case json, form

    /// Browsers send a string as text/plain when they cannot ask first, and curl calls everything a form: a
    /// body that begins as JSON's containers do is JSON under any of these types, and no form begins so.
    /// Nil when the type is none of them.
    static func of(_ body: Bytes, contentType: Bytes) -> BodyKind? {
        let isJSON = MediaType.matches(contentType, "application/json")
        let isForm = !isJSON && MediaType.matches(contentType, "application/x-www-form-urlencoded")
        let isText = !isJSON && !isForm && (contentType.isEmpty || MediaType.matches(contentType, "text/plain"))
        guard isForm || isJSON || isText else { return nil }
        var start = 0
        while start < body.count, Bytes.isJSONSpace(body[start]) { start += 1 }
        if start < body.count, body[start] == 0x7B || body[start] == 0x5B { return .json }
        if isText { return body.firstIndex(of: 0x3D) == nil ? .json : .form }
        return isForm ? .form : .json
    }
}
