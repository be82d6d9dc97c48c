import Glibc

/// A file that is read whole.
enum SmallFile {
    struct Failure: Error {
        var message: String
    }

    /// - Parameter max: bytes; a larger file is refused.
    static func read(_ path: String, max: Int) throws(Failure) -> [UInt8] {
        // Safety: the path is lent for the call.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("cannot be read") }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            // Safety: at most the chunk's own size is written to it.
            let count = unsafe chunk.withUnsafeMutableBytes {
                unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw failure("cannot be read")
            }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= max else { throw Failure(message: "is larger than \(ByteSize.text(max))") }
        }
    }

    private static func failure(_ what: String) -> Failure {
        Failure(message: "\(what): \(errorText(errno))")
    }
}

/// The system's words for an error number.
func errorText(_ number: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    // Safety: strerror_r writes at most the buffer's size and ends the text with a zero.
    return unsafe buffer.withUnsafeMutableBufferPointer { memory in
        guard let base = memory.baseAddress, unsafe strerror_r(number, base, memory.count) == 0 else {
            return "error \(number)"
        }
        return unsafe String(cString: base)
    }
}
