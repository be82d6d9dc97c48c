import Logging

/// The gateway as a whole.
package enum Gateway {
    package struct NotAssembled: Error, CustomStringConvertible {
        package var description: String { "this build holds no pipeline" }
    }

    package static func serve(_ configuration: Configuration, logger: Logger) throws -> Int32 {
        throw NotAssembled()
    }
}
