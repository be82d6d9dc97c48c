import CLinuxIO

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A system call that failed: which one, and the kernel's error number.
package struct SystemError: Error, CustomStringConvertible {
    package let call: StaticString
    /// Positive, as in errno(3).
    package let code: Int32

    package init(call: StaticString, code: Int32) {
        self.call = call
        self.code = code
    }

    package var description: String {
        // Safety: strerror returns a string of the C library, copied at once.
        unsafe "\(call): \(String(cString: strerror(code)))"
    }
}

/// The value of a call that answers with a negative errno on failure.
func checked(_ call: StaticString, _ value: Int32) throws(SystemError) -> Int32 {
    guard value >= 0 else { throw SystemError(call: call, code: -value) }
    return value
}

/// The errors that are part of normal work, as our C functions return them.
enum Errno {
    static let again = -EAGAIN

    /// accept failed for want of descriptors or memory, of the process or the system.
    static func isExhaustion(_ result: Int32) -> Bool {
        result == -EMFILE || result == -ENFILE || result == -ENOBUFS || result == -ENOMEM
    }
}

/// A descriptor this value owns and closes.
struct OwnedDescriptor: ~Copyable {
    let raw: Int32

    init(_ raw: Int32) { self.raw = raw }

    deinit { _ = clio_close(raw) }
}
