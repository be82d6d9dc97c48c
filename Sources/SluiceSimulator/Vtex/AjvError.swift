/// An error as the validator Ajv reports it, with its own words for each keyword.
struct AjvError: Equatable, Sendable {
    let instancePath: String
    let keyword: String
    let message: String
    /// JSON of an object.
    let params: String
    let schemaPath: String

    static func required(_ name: String, at path: String = "", schemaPath: String = "#/required") -> AjvError {
        AjvError(
            instancePath: path, keyword: "required", message: "must have required property '\(name)'",
            params: "{\"missingProperty\":\(PlainJSON.quote(name))}", schemaPath: schemaPath)
    }

    static func type(_ type: String, at path: String, schemaPath: String) -> AjvError {
        let names = type.split(separator: ",")
        let list =
            names.count == 1
            ? PlainJSON.quote(type) : "[\(names.map { PlainJSON.quote(String($0)) }.joined(separator: ","))]"
        return AjvError(
            instancePath: path, keyword: "type", message: "must be \(type)", params: "{\"type\":\(list)}",
            schemaPath: schemaPath + "/type")
    }

    static func other(
        _ keyword: String, _ message: String, _ params: String, at path: String, schemaPath: String
    ) -> AjvError {
        AjvError(
            instancePath: path, keyword: keyword, message: message, params: params,
            schemaPath: schemaPath + "/" + keyword)
    }

    /// With both ids of an ad event missing: one entry for each choice and one for the choice itself.
    static let neitherID = [
        required("user_id", schemaPath: "#/anyOf/0/required"),
        required("session_id", schemaPath: "#/anyOf/1/required"),
        AjvError(
            instancePath: "", keyword: "anyOf", message: "must match a schema in anyOf", params: "{}",
            schemaPath: "#/anyOf"),
    ]

    var json: String {
        """
        {"instancePath":\(PlainJSON.quote(instancePath)),"keyword":"\(keyword)",\
        "message":\(PlainJSON.quote(message)),"params":\(params),"schemaPath":\(PlainJSON.quote(schemaPath))}
        """
    }

    /// For people.
    var text: String { "\(instancePath.isEmpty ? "/" : instancePath) \(message)" }
}
