/// A credential from the configuration. It never shows in text: whoever prints it, a value that holds
/// it, or a mirror of either sees `(secret)`.
package struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    private let value: String

    package init(_ value: String) { self.value = value }

    /// The credential itself, for the one place that compares or sends it.
    package func reveal() -> String { value }

    package var description: String { "(secret)" }
    package var debugDescription: String { "(secret)" }
    package var customMirror: Mirror { Mirror(self, children: [(label: String?, value: Any)]()) }
}
