/// Asks a running gateway for its status.
package enum StatusQuery {
    package struct Failure: Error, Equatable {
        package var message: String

        package init(message: String) { self.message = message }
    }

    /// - Parameters:
    ///   - admin: an address instead of the configuration's.
    ///   - file: the configuration file, if one was named.
    ///   - hours: how far the books by hour go back.
    package static func ask(
        admin: String?, file: String?, standardFiles: [String] = ConfigurationLoader.standardFiles,
        options: ConfigurationOptions, hours: Int = AdminRouter.hoursDefault, timeoutMilliseconds: Int = 15_000
    ) throws(Failure) -> StatusDocument {
        let endpoint = try endpoint(admin: admin, file: file, standardFiles: standardFiles, options: options)
        let answer: AdminClient.Answer
        do {
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

    /// Where the gateway's admin port is.
    static func endpoint(
        admin: String?, file: String?, standardFiles: [String], options: ConfigurationOptions
    ) throws(Failure) -> Endpoint {
        if let admin {
            do { return try Endpoint.parse(admin) } catch {
                throw Failure(message: "--admin: '\(admin)' \(error.message)")
            }
        }
        do {
            return try ConfigurationLoader.adminEndpoint(
                file: file, standardFiles: standardFiles, options: options)
        } catch { throw Failure(message: error.description) }
    }
}
