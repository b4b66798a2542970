// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@Suite("Bytes in hexadecimal")
struct HexadecimalTests {
    @Test("Each byte is two digits in small letters")
    func digits() {
        #expect([UInt8]().hexadecimal == "")
        #expect(([0, 0x0F, 0xA0, 0xFF, 9, 0x9A] as [UInt8]).hexadecimal == "000fa0ff099a")
        for byte in (0 as UInt8)...255 {
            let expected = (byte < 16 ? "0" : "") + String(byte, radix: 16)
            #expect(CollectionOfOne(byte).hexadecimal == expected)
        }
    }

    @Test("A request's id is 128 bits, the first number first", arguments: [1, 2, 3] as [UInt64])
    func requestID(seed: UInt64) {
        print("seed \(seed)")
        var (generator, same) = (SeededGenerator(seed: seed), SeededGenerator(seed: seed))
        let expected = (0..<2).map { _ in
            let digits = String(same.next() as UInt64, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
        let id = RequestID.random(using: &generator)
        #expect(id.rawValue == expected)
        #expect(RequestID.random().rawValue.utf8.count == 32)
    }

    @Test("Control characters keep their four digits in JSON")
    func controlCharacters() {
        var bytes: [UInt8] = []
        JSONValue.string("\u{1}\u{1F}").write(to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == #""\u0001\u001f""#)
    }
}
