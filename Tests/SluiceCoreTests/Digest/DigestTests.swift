import SluiceCore
import Testing

@Suite struct CRC32CTests {
    private func crc(_ bytes: [UInt8]) -> UInt32 { bytes.withBytes { crc32c($0) } }

    /// RFC 3720, appendix B.4, and the check value of the catalogue of CRCs.
    @Test func knownValues() {
        #expect(crc(Array("123456789".utf8)) == 0xE306_9283)
        #expect(crc([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(crc([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(crc(Array(0..<32)) == 0x46DD_794E)
        #expect(crc(Array((0..<32).reversed())) == 0x113F_DB5C)
        #expect(crc([]) == 0)
    }

    /// Bit by bit, at every short length and alignment.
    @Test func agreesWithTheDefinition() {
        func slow(_ bytes: ArraySlice<UInt8>) -> UInt32 {
            var state: UInt32 = 0xFFFF_FFFF
            for byte in bytes {
                state ^= UInt32(byte)
                for _ in 0..<8 { state = state & 1 == 1 ? state >> 1 ^ 0x82F6_3B78 : state >> 1 }
            }
            return ~state
        }
        var random = SeededRandom(seed: 5)
        let data = (0..<4200).map { _ in UInt8.random(in: 0...255, using: &random) }
        for length in Array(0...130) + [255, 256, 257, 1023, 3071, 3072, 3073, 4100] {
            for start in [0, 1, 3, 8, 15] {
                let slice = data[start..<start + length]
                #expect(crc(Array(slice)) == slow(slice))
                GuardedMemory.with(Array(slice)) { bytes in
                    for cut in [0, length / 3, length] {
                        #expect(crc32c(bytes[cut..<length], continuing: crc32c(bytes[0..<cut])) == slow(slice))
                    }
                }
            }
        }
    }
}

@Suite struct SHA256Tests {
    /// FIPS 180-4 examples, with one object for all.
    @Test func knownValues() {
        var buffer = ByteBuffer(capacity: 64)
        for (message, digest) in [
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            (String(repeating: "a", count: 1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ] {
            buffer.removeAll()
            buffer.append(UInt8(0x78))
            Array(message.utf8).withBytes { SHA256.appendHex(of: $0, into: &buffer) }
            #expect(buffer.bytes.string == "x" + digest)
        }
    }
}

@Suite struct HMACSHA256Tests {
    /// RFC 4231, cases 1 to 4 and 6; each twice with the same object.
    @Test func knownValues() {
        for (key, message, code) in [
            (
                [UInt8](repeating: 0x0B, count: 20), Array("Hi There".utf8),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (
                [UInt8](repeating: 0xAA, count: 20), [UInt8](repeating: 0xDD, count: 50),
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
            ),
            (
                Array(1...25), [UInt8](repeating: 0xCD, count: 50),
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
            ),
            (
                [UInt8](repeating: 0xAA, count: 131), Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
            ),
            ([], [], "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
        ] {
            let hmac = key.withBytes { HMACSHA256(key: $0) }
            var buffer = ByteBuffer(capacity: 64)
            for _ in 0..<2 {
                buffer.removeAll()
                message.withBytes { hmac.appendHex(of: $0, into: &buffer) }
                #expect(buffer.bytes.string == code)
            }
            // In parts.
            buffer.removeAll()
            message.withBytes { bytes in
                hmac.update(bytes[0..<bytes.count / 2])
                hmac.update(bytes[bytes.count / 2..<bytes.count])
            }
            hmac.finishHex(into: &buffer)
            #expect(buffer.bytes.string == code)
        }
    }
}

@Suite struct Hash64Tests {
    /// The self-test of the xxHash project (its sanity check's buffer, seeds and values). They are
    /// in the log's files, so they may never change.
    @Test func knownValues() {
        let prime64: UInt64 = 0x9E37_79B1_85EB_CA8D
        var generator: UInt64 = 2_654_435_761
        var data: [UInt8] = []
        for _ in 0..<2400 {
            data.append(UInt8(truncatingIfNeeded: generator >> 56))
            generator &*= prime64
        }
        for (length, plain, seeded) in [
            (0, 0x2D06_8005_38D3_94C2, 0xA8A6_B918_B2F0_364A), (1, 0xC44B_DFF4_074E_ECDB, 0x032B_E332_DD76_6EF8),
            (6, 0x27B5_6A84_CD2D_7325, 0x8458_9C11_6AB5_9AB9), (12, 0xA713_DAF0_DFBB_77E7, 0xE730_3E1B_2336_DE0E),
            (24, 0xA3FE_70BF_9D35_10EB, 0x850E_80FC_35BD_D690), (48, 0x397D_A259_ECBA_1F11, 0xADC2_CBAA_44AC_C616),
            (80, 0xBCDE_FBBB_2C47_C90A, 0xC6DD_0CB6_9953_2E73), (195, 0xCD94_217E_E362_EC3A, 0xBA68_003D_370C_B3D9),
            (403, 0xCDEB_804D_65C6_DEA4, 0x6259_F6EC_FD64_43FD), (512, 0x617E_4959_9013_CB6B, 0x3CE4_57DE_14C2_7708),
        ] as [(Int, UInt64, UInt64)] {
            data.withBytes { bytes in
                #expect(hash64(bytes[0..<length]) == plain)
                #expect(hash64(bytes[0..<length], seed: prime64) == seeded)
            }
        }
    }

    @Test func seedsAndBytesMatter() {
        var seen = Set<UInt64>()
        for length in 0...300 {
            let bytes = [UInt8](repeating: 0x61, count: length)
            for seed: UInt64 in [0, 1, 2] { seen.insert(bytes.withBytes { hash64($0, seed: seed) }) }
        }
        #expect(seen.count == 301 * 3)
    }
}
