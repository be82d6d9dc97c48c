import SluiceCore
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What the tests of the JSON reader share.
enum JSONProbe {
    /// How reading a whole text as one value ended.
    enum Ending: Equatable, CustomStringConvertible {
        case value(String)
        case error(JSONError.Code, Int)

        var description: String {
            switch self {
            case .value(let text): "value \(text.debugDescription)"
            case .error(let code, let offset): "\(code) at \(offset)"
            }
        }
    }

    /// Skips the one value that `text` must be.
    static func skip(_ text: [UInt8], depthMax: Int = 32) -> Ending {
        GuardedMemory.with(text) { bytes in
            var reader = JSONReader(bytes, scratch: JSONScratch(), depthMax: depthMax)
            do throws(JSONError) {
                let range = try reader.skipValue()
                try reader.end()
                return .value(bytes[range].string)
            } catch {
                return .error(error.code, Int(error.offset))
            }
        }
    }

    static func skip(_ text: String, depthMax: Int = 32) -> Ending { skip(Array(text.utf8), depthMax: depthMax) }

    /// Runs `body` with a reader of `text`.
    static func read<R>(
        _ text: String, depthMax: Int = 32, _ body: (inout JSONReader, Bytes) throws(JSONError) -> R
    ) throws(JSONError) -> R {
        try Array(text.utf8).withBytes { (bytes) throws(JSONError) in
            var reader = JSONReader(bytes, scratch: JSONScratch(), depthMax: depthMax)
            return try body(&reader, bytes)
        }
    }

    /// A JSON text as a tree.
    indirect enum Tree: Equatable {
        case object([String: Tree])
        case array([Tree])
        case string(String)
        case number(String)
        case bool(Bool)
        case null
    }

    /// Builds a tree by pulling, with duplicates refused.
    static func tree(_ text: [UInt8], depthMax: Int = 32) throws(JSONError) -> Tree {
        try text.withBytes { (bytes) throws(JSONError) in
            var reader = JSONReader(bytes, scratch: JSONScratch(), depthMax: depthMax)
            let tree = try node(&reader)
            try reader.end()
            return tree
        }
    }

    private static func node(_ reader: inout JSONReader) throws(JSONError) -> Tree {
        switch try reader.peek() {
        case .object:
            var members: [String: Tree] = [:]
            try reader.enterObject()
            let keys = reader.openKeys()
            while let key = try reader.nextKey() {
                try reader.insert(key, into: keys)
                members[string(key, reader.input)] = try node(&reader)
            }
            reader.closeKeys(keys)
            return .object(members)
        case .array:
            var elements: [Tree] = []
            try reader.enterArray()
            while try reader.nextElement() { elements.append(try node(&reader)) }
            return .array(elements)
        case .string: return .string(string(try reader.string(), reader.input))
        case .number: return .number(try reader.number().raw(in: reader.input).string)
        case .true, .false: return .bool(try reader.bool())
        case .null:
            try reader.null()
            return .null
        }
    }

    static func string(_ text: JSONText, _ input: Bytes) -> String {
        var buffer = ByteBuffer(capacity: 16)
        text.decode(in: input, into: &buffer)
        return buffer.bytes.string
    }
}

/// Bytes that end where the memory ends: one byte further is a page that cannot be read, so that
/// reading behind the input kills the test run.
enum GuardedMemory {
    static func with<R>(_ content: [UInt8], _ body: (Bytes) -> R) -> R {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let size = (content.count + page - 1) / page * page
        // Safety: `size` readable bytes and one page behind them that is not; unmapped at the end.
        // The content is copied to where its last byte is the last readable one.
        let memory = unsafe mmap(
            nil, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)!
        defer { unsafe _ = munmap(memory, size + page) }
        let start = unsafe memory.advanced(by: size - content.count).assumingMemoryBound(to: UInt8.self)
        for (index, byte) in content.enumerated() { unsafe start[index] = byte }
        precondition(unsafe mprotect(memory.advanced(by: size), page, PROT_NONE) == 0)
        return unsafe body(Bytes(start: start, count: content.count))
    }
}

/// Random numbers that can be had again: tests print the seed they used.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
