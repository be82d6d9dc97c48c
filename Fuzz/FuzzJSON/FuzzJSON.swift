// Feeds arbitrary bytes to the JSON reader and traps where its parts disagree.
//
// What is checked, beyond "never touches foreign memory" (the address sanitizer sees to that,
// because the input is copied into memory of exactly its size):
//
// 1. `skipValue` and a recursive walk with `nextKey`/`nextElement` accept the same texts, fail with
//    the same error at the same place, and stop at the same byte.
// 2. A string's content, decoded and escaped again, decodes to the same bytes, is well-formed
//    UTF-8, and compares equal to itself however it is spelled.
// 3. An accepted value without its white space is accepted again, and holds no line feed.
// 4. A number is within its bound, and exact decimals read back what they write.
// 5. Every proper prefix of an object, array or string is refused.
// 6. Any bytes, escaped as text, make a valid JSON string.

import SluiceCore

/// Memory of the one fuzzing thread.
private struct Workshop: @unchecked Sendable {
    let scratch = JSONScratch()
    let innerScratch = JSONScratch()
}

private let workshop = Workshop()
private let depthMax = 16

@_cdecl("LLVMFuzzerTestOneInput")
package func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    // Safety: libFuzzer hands over `count` readable bytes; they are copied at once.
    let input = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    input.withBytes(check)
    return 0
}

/// How reading ended: behind the value, or with an error.
private enum Ending: Equatable {
    case value(Range<Int>)
    case error(JSONError)
}

private func check(_ input: Bytes) {
    let skipped = read(input) { (reader) throws(JSONError) in
        let range = try reader.skipValue()
        try reader.end()
        return range
    }
    let walked = read(input) { (reader) throws(JSONError) in
        _ = try reader.peek()
        let start = reader.offset
        try walk(&reader)
        let range = start..<reader.offset
        try reader.end()
        return range
    }
    require(skipped == walked, "skipValue and the walk disagree")
    checkEscaping(input)
    guard case .value(let range) = skipped else { return }
    checkCompact(input[range])
    checkPrefixes(input[range])
}

private func read(
    _ input: Bytes, _ body: (inout JSONReader) throws(JSONError) -> Range<Int>
) -> Ending {
    var reader = JSONReader(input, scratch: workshop.scratch, depthMax: depthMax)
    do throws(JSONError) {
        return .value(try body(&reader))
    } catch {
        require(error.offset >= 0 && Int(error.offset) <= input.count, "error outside the input")
        return .error(error)
    }
}

private func walk(_ reader: inout JSONReader) throws(JSONError) {
    switch try reader.peek() {
    case .object:
        try reader.enterObject()
        let keys = reader.openKeys()
        while let key = try reader.nextKey() {
            try reader.insert(key, into: keys)
            checkText(key, reader.input)
            try walk(&reader)
        }
        reader.closeKeys(keys)
    case .array:
        try reader.enterArray()
        while try reader.nextElement() { try walk(&reader) }
    case .string: checkText(try reader.string(), reader.input)
    case .number: checkNumber(try reader.number(), reader.input)
    case .true: require(try reader.bool(), "true is false")
    case .false: require(try !reader.bool(), "false is true")
    case .null: try reader.null()
    }
}

private func checkText(_ text: JSONText, _ input: Bytes) {
    var plain = ByteBuffer(capacity: 16)
    text.decode(in: input, into: &plain)
    require(plain.bytes.isUTF8, "decoded text is not UTF-8")
    require(plain.count <= Int(text.count), "decoded text is longer than its source")
    require(text.equals(plain.bytes, in: input), "text differs from itself")
    require(text.hasEscapes || text.raw(in: input).equals(plain.bytes), "text without escapes changed")
    var escaped = ByteBuffer(capacity: 16)
    escaped.appendJSONString(plain.bytes)
    require(decodedString(escaped.bytes).elementsEqual(plain.bytes.array), "escaping lost something")
}

private func checkNumber(_ number: JSONNumber, _ input: Bytes) {
    let raw = number.raw(in: input)
    require(raw.count >= 1 && raw.count <= JSONReader.numberBytesMax, "number out of bounds")
    if let integer = number.integer(in: input) {
        require(String(integer) == raw.string || raw.equals("-0"), "integer differs from its text")
    }
    guard let decimal = try? ExactDecimal.parse(raw) else { return }
    var written = ByteBuffer(capacity: 64)
    written.append(decimal)
    require((try? ExactDecimal.parse(written.bytes)) == decimal, "decimal differs from its text")
}

/// Whatever bytes there are, as text they make a valid string.
private func checkEscaping(_ input: Bytes) {
    var escaped = ByteBuffer(capacity: 16)
    escaped.appendJSONString(input)
    let decoded = decodedString(escaped.bytes)
    require(!input.isUTF8 || decoded == input.array, "escaping changed valid text")
    require(escaped.bytes.firstIndex(of: 0x0A) == nil, "a line feed in an escaped string")
}

private func checkCompact(_ value: Bytes) {
    var compact = ByteBuffer(capacity: 16)
    compact.appendJSONCompact(value)
    require(compact.bytes.firstIndex(of: 0x0A) == nil, "a line feed in a compact value")
    let again = read(compact.bytes) { (reader) throws(JSONError) in try reader.skipValue() }
    require(again == .value(0..<compact.count), "a compact value is not valid")
}

private func checkPrefixes(_ value: Bytes) {
    guard value[0] == 0x7B || value[0] == 0x5B || value[0] == 0x22, value.count <= 64 else { return }
    for count in 0..<value.count {
        // In memory of its own, so that reading beyond the prefix is found.
        let prefix = value[0..<count].array
        let ending = prefix.withBytes { bytes in
            read(bytes) { (reader) throws(JSONError) in try reader.skipValue() }
        }
        if case .value = ending { require(false, "a prefix is accepted") }
    }
}

/// Reads a text that must be one string and returns its content.
private func decodedString(_ json: Bytes) -> [UInt8] {
    var reader = JSONReader(json, scratch: workshop.innerScratch)
    var decoded = ByteBuffer(capacity: 16)
    do throws(JSONError) {
        let text = try reader.string()
        try reader.end()
        text.decode(in: json, into: &decoded)
    } catch {
        require(false, "an escaped string is not valid")
    }
    return decoded.bytes.array
}

private func require(_ condition: Bool, _ message: StaticString) {
    if !condition { fatalError("\(message)") }
}
