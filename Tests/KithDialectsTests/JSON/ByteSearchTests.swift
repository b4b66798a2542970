// SPDX-License-Identifier: Apache-2.0

import KithTesting
import Testing

@testable import KithDialects

@Suite("Looking for bytes")
struct ByteSearchTests {
    @Test("The first of two bytes is found wherever they stand, also far apart and in one form only", arguments: 1...4)
    func either(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            let count = Int.random(in: 0...2_100, using: &generator)
            var bytes = [UInt8](repeating: 0x61, count: count)
            for _ in 0..<Int.random(in: 0...4, using: &generator) where count > 0 {
                bytes[Int.random(in: 0..<count, using: &generator)] = Bool.random(using: &generator) ? 0x0A : 0x0D
            }
            let start = Int.random(in: 0...count, using: &generator)
            let found = bytes.withUnsafeBufferPointer { ByteSearch.index(of: 0x0A, or: 0x0D, in: $0, from: start) }
            #expect(found == bytes[start...].firstIndex { $0 == 0x0A || $0 == 0x0D }, "seed \(seed)")
        }
    }
}
