/// What was built.
package enum BuildInformation {
    /// As in the change log; semantic versioning.
    package static let version = "0.1.0"
}
