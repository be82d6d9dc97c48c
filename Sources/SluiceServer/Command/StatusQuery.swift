/// `sluice status`: asks the running gateway, or looks into its folder where none runs.
package enum StatusQuery {
    package struct Failure: Error, Equatable {
        package var message: String

        package init(message: String) { self.message = message }
    }

    package struct Answer: Sendable, Equatable {
        package var document: StatusDocument
        /// Why this is not a running gateway's own account; nil when it is.
        package var remark: String?
    }

    /// - Parameters:
    ///   - admin: an address instead of the one the data folder names; only a gateway there is asked then.
    ///   - file: the configuration file, if one was named.
    ///   - hours: how far the books by hour go back.
    package static func ask(
        admin: String?, file: String?, standardFiles: [String] = ConfigurationLoader.standardFiles,
        options: ConfigurationOptions, hours: Int = AdminRouter.hoursDefault, timeoutMilliseconds: Int = 15_000
    ) throws(Failure) -> Answer {
        let place: CommandPlace
        do throws(CommandPlace.Failure) {
            place = try CommandPlace(admin: admin, file: file, standardFiles: standardFiles, options: options)
        } catch {
            throw Failure(message: error.message)
        }
        switch place.gateway() {
        case .answering(let endpoint):
            return Answer(document: try ask(endpoint, hours, timeoutMilliseconds), remark: nil)
        case .none:
            return try look(place, hours, "no gateway is running on \(place.folder)")
        case .silent(let reason):
            return try look(place, hours, reason)
        }
    }

    private static func ask(
        _ endpoint: Endpoint, _ hours: Int, _ timeoutMilliseconds: Int
    ) throws(Failure) -> StatusDocument {
        let answer: AdminClient.Answer
        do throws(AdminClientError) {
            answer = try AdminClient.get(
                endpoint, path: "/api/status?hours=\(hours)", timeoutMilliseconds: timeoutMilliseconds)
        } catch {
            throw Failure(
                message: "no gateway is running at \(endpoint), the admin address: \(error.message)")
        }
        guard answer.status == 200 else {
            throw Failure(
                message:
                    "what listens at \(endpoint) answered \(answer.status); is it a gateway's admin port?")
        }
        guard let document = AdminJSON.decode(StatusDocument.self, from: answer.body) else {
            throw Failure(message: "what listens at \(endpoint) did not answer with a gateway's status")
        }
        return document
    }

    private static func look(
        _ place: CommandPlace, _ hours: Int, _ reason: String
    ) throws(Failure) -> Answer {
        do {
            let status = try FolderStatus.read(place, hours: hours, reason: reason)
            return Answer(
                document: StatusDocument(status), remark: "\(reason); this is what lies on the disk")
        } catch {
            throw Failure(message: "\(reason), and its log cannot be read: \(error)")
        }
    }
}
