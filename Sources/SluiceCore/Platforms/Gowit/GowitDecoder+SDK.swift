// Ad events of GoWit's SDK: `GET /server/sdk/events?type=click&session_id=…&ad_id=…&no_redirect=1`.
//
// The SDK puts values into the query as they are, without escaping them. So `+` stands for itself, as
// it does in the base64 of ad ids; `%` is an escape only where two hexadecimal digits follow. A
// `redirect` with a bare URL reaches to the next parameter the protocol has, since the URL's own
// query looks like parameters of ours. Redirects are not followed: the answer is 204 in any case, and
// `redirect` and `no_redirect` are kept in `ext.gowit`.

extension GowitDecoder {
    /// Reads the parameters into the draft; returns the event's type when it is one of an ad event.
    func readQuery(_ query: Bytes) -> EventType? {
        fields.begin(input: query)
        var progress = FormProgress()
        var start = 0
        while start < query.count {
            var end = query.firstIndex(of: 0x26, from: start) ?? query.count
            if GowitDecoder.isBareRedirect(query[start..<end]) {
                while end < query.count, !isOwn(query, at: end + 1, progress) {
                    end = query.firstIndex(of: 0x26, from: end + 1) ?? query.count
                }
            }
            let part = query[start..<end]
            start = end + 1
            guard !part.isEmpty else { continue }
            let equals = part.firstIndex(of: 0x3D) ?? part.count
            sdkAd.parser.readParameter(
                part[0..<equals], part[min(equals + 1, part.count)..<part.count], true, json, &progress,
                &fields)
        }
        sdkAd.parser.finishForm(progress, into: &fields)
        return takeType()
    }

    private static func isBareRedirect(_ part: Bytes) -> Bool {
        guard part.hasPrefix("redirect=") else { return false }
        for index in 0..<max(0, part.count - 2) where part[index..<index + 3].equals("://") { return true }
        return false
    }

    /// Whether a parameter of the protocol that was not given yet begins at `start`.
    private func isOwn(_ query: Bytes, at start: Int, _ progress: FormProgress) -> Bool {
        var end = start
        while end < query.count, query[end] != 0x3D, query[end] != 0x26 { end += 1 }
        let place = sdkAd.parser.schema.objects[0].place(of: query[start..<end])
        return place >= 0 && progress.seen & (1 &<< UInt64(place)) == 0
    }

    private func takeType() -> EventType? {
        guard let index = fields.unknownIndex("type") else { return nil }
        let type = GowitDecoder.type(fields.bytes(fields.unknown[index].value))
        fields.unknown.remove(at: index)
        guard type == .purchase else { return type }
        fields.note(
            FieldProblem(
                .invalidValue, path: "type",
                words: "must be one of impression, click, viewable_impression on this path"))
        return nil
    }
}
