import ArgumentParser
import SluiceServer

extension TimeArgument {
    /// For `@Option(parsing: .unconditional, transform: TimeArgument.option)`: unconditional, because an age
    /// begins with a dash.
    static func option(_ text: String) throws -> TimeArgument {
        do {
            return try TimeArgument(text)
        } catch {
            throw ValidationError("'\(text)' \(error.message).")
        }
    }
}
