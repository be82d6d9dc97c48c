import Foundation
import SluiceCore
import Testing

/// What the tests of both compressors share: a pair that turns bytes into smaller ones and back.
struct Codec: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let compress: @Sendable ([UInt8]) throws(CompressionError) -> [UInt8]
    let decompress: @Sendable ([UInt8], Int) throws(CompressionError) -> [UInt8]

    static let all = [
        Codec(
            testDescription: "zstd",
            compress: { raw throws(CompressionError) in
                var buffer = ByteBuffer(capacity: 16)
                try raw.withBytes { (bytes) throws(CompressionError) in
                    try ZstdCompressor().compress(bytes, into: &buffer)
                }
                return buffer.bytes.array
            },
            decompress: { stored, rawSize throws(CompressionError) in
                try stored.withBytes { (bytes) throws(CompressionError) in
                    try ZstdDecompressor().decompress(bytes, rawSize: rawSize)
                }
            }),
        zlib("zlib", .zlib),
        zlib("gzip", .gzip),
    ]

    private static func zlib(_ name: String, _ format: ZlibFormat) -> Codec {
        Codec(
            testDescription: name,
            compress: { raw throws(CompressionError) in
                var buffer = ByteBuffer(capacity: 16)
                try raw.withBytes { (bytes) throws(CompressionError) in
                    try ZlibCompressor(format: format).compress(bytes, into: &buffer)
                }
                return buffer.bytes.array
            },
            decompress: { stored, rawSize throws(CompressionError) in
                try stored.withBytes { (bytes) throws(CompressionError) in
                    try ZlibDecompressor(format: format).decompress(bytes, rawSize: rawSize)
                }
            })
    }

    static func events(_ count: Int) -> [UInt8] {
        Array((0..<count).map { #"{"id":"e-\#($0)","type":"click","n":\#($0 * 7919 % 1000)}"# + "\n" }.joined().utf8)
    }

    static func noise(_ count: Int, seed: UInt64) -> [UInt8] {
        var random = SeededRandom(seed: seed)
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }
}

@Suite struct CompressionTests {
    @Test(arguments: Codec.all)
    func bringsBackWhatItTook(_ codec: Codec) throws {
        var contents = [[], [0], Codec.events(1), Codec.events(5000), [UInt8](repeating: 0, count: 2_000_000)]
        contents += [1, 100, 16_383, 16_384, 16_385, 300_000].map { Codec.noise($0, seed: UInt64($0)) }
        for raw in contents {
            let stored = try codec.compress(raw)
            #expect(try codec.decompress(stored, raw.count) == raw)
        }
        #expect(try codec.compress(Codec.events(5000)).count < Codec.events(5000).count / 4)
    }

    @Test(arguments: Codec.all)
    func anotherSizeIsAnError(_ codec: Codec) throws {
        let raw = Codec.events(100)
        let stored = try codec.compress(raw)
        for size in [0, 1, raw.count - 1, raw.count + 1, raw.count * 2, 1 << 40, .max, -1] {
            #expect(throws: CompressionError.sizeMismatch) { try codec.decompress(stored, size) }
        }
    }

    /// Every byte of a small block, changed in every bit: either it is noticed, or (in bits the
    /// format ignores) the content is what it was. It never crashes.
    @Test(arguments: Codec.all)
    func damageIsNoticed(_ codec: Codec) throws {
        for raw in [Codec.events(12), Codec.noise(60, seed: 9)] {
            let stored = try codec.compress(raw)
            var noticed = 0
            for place in stored.indices {
                for bit in 0..<8 {
                    var damaged = stored
                    damaged[place] ^= 1 << bit
                    do throws(CompressionError) {
                        let content = try codec.decompress(damaged, raw.count)
                        if content != raw { Issue.record("byte \(place), bit \(bit) changed the content") }
                    } catch {
                        noticed += 1
                    }
                }
            }
            // gzip's header has six bytes and some flags that say nothing about the content, zstd's
            // one such bit.
            #expect(noticed >= stored.count * 8 - 64)
        }
    }

    @Test(arguments: Codec.all)
    func whatIsCutOffIsNoticed(_ codec: Codec) throws {
        let raw = Codec.events(12)
        let stored = try codec.compress(raw)
        for count in stored.indices {
            #expect(throws: CompressionError.self) { try codec.decompress(Array(stored[..<count]), raw.count) }
        }
        for tail: [UInt8] in [[0], [0x1F], Array("more".utf8), [UInt8](repeating: 0, count: 100)] {
            #expect(throws: CompressionError.self) { try codec.decompress(stored + tail, raw.count) }
        }
    }

    @Test(arguments: Codec.all)
    func noiseIsNoBlock(_ codec: Codec) {
        for seed in 0..<300 {
            let noise = Codec.noise(seed, seed: UInt64(seed))
            #expect(throws: CompressionError.self) { try codec.decompress(noise, 1000) }
        }
    }
}

@Suite struct ZstdTests {
    @Test func contextsAreReused() throws {
        let compressor = ZstdCompressor()
        let decompressor = ZstdDecompressor()
        var stored = ByteBuffer(capacity: 16)
        var content = ByteBuffer(capacity: 16)
        for count in [5, 500, 1, 2000, 0] {
            let raw = Codec.events(count)
            stored.removeAll()
            stored.append("head")
            try raw.withBytes { (bytes) throws(CompressionError) in try compressor.compress(bytes, into: &stored) }
            #expect(stored.bytes.hasPrefix("head"))
            let frame = stored.bytes[4..<stored.count]
            // A failure in between leaves no trace.
            #expect(throws: CompressionError.self) {
                try decompressor.decompress(frame[0..<frame.count - 1], rawSize: raw.count)
            }
            #expect(try decompressor.decompress(frame, rawSize: raw.count) == raw)
            content.removeAll()
            content.append("x")
            try decompressor.decompress(frame, rawSize: raw.count, into: &content)
            #expect(content.bytes.array == Array("x".utf8) + raw)
        }
    }

    @Test func levelsDiffer() throws {
        let raw = Codec.events(3000)
        func size(_ level: Int) throws -> Int {
            var buffer = ByteBuffer(capacity: 16)
            try raw.withBytes { (bytes) throws(CompressionError) in
                try ZstdCompressor(level: level).compress(bytes, into: &buffer)
            }
            #expect(try ZstdDecompressor().decompress(buffer.bytes, rawSize: raw.count) == raw)
            return buffer.count
        }
        #expect(try size(19) < size(1))
        #expect(try size(1) < size(-50))
        _ = try size(.max)
    }

    @Test func errorsSayWhy() throws {
        let raw = Codec.events(50)
        let stored = try Codec.all[0].compress(raw)
        func failure(_ bytes: [UInt8], _ size: Int) -> CompressionError? {
            do throws(CompressionError) {
                _ = try Codec.all[0].decompress(bytes, size)
                return nil
            } catch {
                return error
            }
        }
        #expect(failure([], 10) == .truncated)
        #expect(failure(Array(stored.dropLast()), raw.count) == .truncated)
        #expect(failure(stored + stored, raw.count) == .trailingContent)
        #expect(failure(stored + [0], raw.count) == .trailingContent)
        #expect(failure(Array("plainly not zstd".utf8), 10) == .corrupt)
        #expect(failure(stored, 3) == .sizeMismatch)
        var checksum = stored
        checksum[stored.count - 1] ^= 1
        #expect(failure(checksum, raw.count) == .corrupt)
        // A skippable frame holds no content of ours.
        #expect(failure([0x50, 0x2A, 0x4D, 0x18, 0, 0, 0, 0], 10) == .sizeMismatch)
    }
}

@Suite struct ZlibTests {
    private func inflate(
        _ stored: [UInt8], _ format: ZlibFormat = .gzip, limit: Int
    ) throws(CompressionError) -> [UInt8] {
        var buffer = ByteBuffer(capacity: 16)
        buffer.append("before")
        do throws(CompressionError) {
            try stored.withBytes { (bytes) throws(CompressionError) in
                try ZlibDecompressor(format: format).inflate(bytes, limit: limit, into: &buffer)
            }
        } catch {
            #expect(buffer.bytes.equals("before"))
            throw error
        }
        #expect(buffer.bytes.hasPrefix("before"))
        return buffer.bytes[6..<buffer.count].array
    }

    @Test(arguments: [ZlibFormat.zlib, .gzip])
    func theLimitIsExact(_ format: ZlibFormat) throws {
        for count in [0, 1, 1000, 16_384, 70_000] {
            let raw = [UInt8](repeating: 0x61, count: count)
            let stored = try Codec.all[format == .zlib ? 1 : 2].compress(raw)
            #expect(try inflate(stored, format, limit: count) == raw)
            #expect(try inflate(stored, format, limit: count + 1) == raw)
            guard count > 0 else { continue }
            #expect(throws: CompressionError.tooLarge) { try inflate(stored, format, limit: count - 1) }
            #expect(throws: CompressionError.tooLarge) { try inflate(stored, format, limit: 0) }
        }
    }

    @Test func bombsEndAtTheLimit() throws {
        // 64 MiB in 64 KiB.
        let bomb = try Codec.all[2].compress([UInt8](repeating: 0, count: 64 << 20))
        #expect(bomb.count < 400_000)
        var buffer = ByteBuffer(capacity: 16)
        #expect(throws: CompressionError.tooLarge) {
            try bomb.withBytes { (bytes) throws(CompressionError) in
                try ZlibDecompressor(format: .gzip).inflate(bytes, limit: 1 << 20, into: &buffer)
            }
        }
        // It has not made room for much more than it was allowed to write.
        #expect(buffer.count == 0 && buffer.capacity <= 4 << 20)
        // Small members in a row are held to one limit together.
        let member = try Codec.all[2].compress([UInt8](repeating: 0x61, count: 1000))
        let members = Array(repeatElement(member, count: 50).joined())
        #expect(try inflate(members, limit: 50_000).count == 50_000)
        #expect(throws: CompressionError.tooLarge) { try inflate(members, limit: 49_999) }
    }

    @Test func gzipMembersAreJoined() throws {
        let one = try Codec.all[2].compress(Array("one ".utf8))
        let none = try Codec.all[2].compress([])
        let two = try Codec.all[2].compress(Array("two".utf8))
        #expect(try inflate(one + none + two, limit: 100) == Array("one two".utf8))
        #expect(throws: CompressionError.trailingContent) { try inflate(one + [0], limit: 100) }
        #expect(throws: CompressionError.trailingContent) { try inflate(one + Array("tail".utf8), limit: 100) }
        #expect(throws: CompressionError.truncated) { try inflate(one + two.dropLast(), limit: 100) }
        #expect(throws: CompressionError.truncated) { try inflate(one + [0x1F], limit: 100) }
        #expect(throws: CompressionError.corrupt) { try inflate(one + [0x1F, 0], limit: 100) }
        let zlib = try Codec.all[1].compress(Array("one".utf8))
        #expect(throws: CompressionError.trailingContent) { try inflate(zlib + zlib, .zlib, limit: 100) }
    }

    @Test func errorsSayWhy() throws {
        let gzip = try Codec.all[2].compress(Codec.events(20))
        let zlib = try Codec.all[1].compress(Codec.events(20))
        #expect(throws: CompressionError.truncated) { try inflate([], limit: 10_000) }
        #expect(throws: CompressionError.truncated) { try inflate(Array(gzip[..<5]), limit: 10_000) }
        #expect(throws: CompressionError.truncated) { try inflate(gzip.dropLast(), limit: 10_000) }
        #expect(throws: CompressionError.corrupt) { try inflate(zlib, limit: 10_000) }
        #expect(throws: CompressionError.corrupt) { try inflate(gzip, .zlib, limit: 10_000) }
        #expect(throws: CompressionError.corrupt) { try inflate(Array("{\"a\":1}".utf8), limit: 10_000) }
        var checksum = gzip
        checksum[gzip.count - 5] ^= 1
        #expect(throws: CompressionError.corrupt) { try inflate(checksum, limit: 10_000) }
        // A zlib stream that wants a preset dictionary.
        #expect(throws: CompressionError.corrupt) { try inflate([0x78, 0xBB, 0, 0, 0, 1, 0, 0], .zlib, limit: 10_000) }
    }

    @Test func contextsAreReused() throws {
        let compressor = ZlibCompressor(format: .gzip, level: 9)
        let decompressor = ZlibDecompressor(format: .gzip)
        var stored = ByteBuffer(capacity: 16)
        var content = ByteBuffer(capacity: 16)
        for count in [5, 500, 1, 2000, 0] {
            let raw = Codec.events(count)
            stored.removeAll()
            try raw.withBytes { (bytes) throws(CompressionError) in try compressor.compress(bytes, into: &stored) }
            content.removeAll()
            #expect(throws: CompressionError.self) {
                try decompressor.inflate(stored.bytes[0..<stored.count - 3], limit: 1 << 20, into: &content)
            }
            try decompressor.inflate(stored.bytes, limit: 1 << 20, into: &content)
            #expect(content.bytes.array == raw)
        }
    }

    /// The system's own gzip reads what we write, and we read what it writes.
    @Test func speaksWithGzip() throws {
        let raw = Codec.events(200)
        let folder = FileManager.default.temporaryDirectory.appending(path: "sluice-gzip-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        let ours = folder.appending(path: "ours")
        let theirs = folder.appending(path: "theirs")
        try Data(try Codec.all[2].compress(raw)).write(to: ours.appendingPathExtension("gz"))
        try Data(raw).write(to: theirs)
        for arguments in [["-d", ours.path() + ".gz"], ["-9", theirs.path()]] {
            let gzip = try Process.run(URL(filePath: "/usr/bin/env"), arguments: ["gzip"] + arguments)
            gzip.waitUntilExit()
            #expect(gzip.terminationStatus == 0)
        }
        #expect(try [UInt8](Data(contentsOf: ours)) == raw)
        let written = try [UInt8](Data(contentsOf: theirs.appendingPathExtension("gz")))
        #expect(try inflate(written, limit: raw.count) == raw)
    }
}
