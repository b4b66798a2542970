// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel
import KithTesting
import Testing

@testable import KithStore

@Suite("What a writer had seen, as a column")
struct SeenBlobTests {
    @Test("Numbers of every length come back", arguments: [1, 0x7F, 0x80, 0x3FFF, 0x4000, UInt64(Int64.max), .max])
    func roundTrip(number: UInt64) throws {
        let id = Int64(truncatingIfNeeded: number & UInt64(Int64.max))
        let blob = try #require(SeenBlob.encode([(id, number), (0x2_000, 7)]))
        let seen = try SeenBlob.decode(blob.bytes) { Replica(test: 1, epoch: UInt64($0)) }
        #expect(
            seen == VersionVector([Replica(test: 1, epoch: UInt64(id)): number, Replica(test: 1, epoch: 0x2_000): 7]))
    }

    @Test("Nothing seen is no bytes")
    func nothing() { #expect(SeenBlob.encode([]) == nil) }

    private static let damaged: [[UInt8]] = [
        [1], [0x80], [1, 0x80], [0, 1], [1, 0], [2, 1, 1, 1], [1, 1, 1, 1],
        [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 1],
        [1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2],
        [1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
    ]

    @Test("Bytes that are never written are damage", arguments: damaged)
    func damage(bytes: [UInt8]) {
        let error = #expect(throws: DatabaseError.self) {
            try SeenBlob.decode(bytes) { Replica(test: 1, epoch: UInt64($0)) }
        }
        #expect(error?.resultCode == .SQLITE_CORRUPT)
    }

    @Test("Spoilt bytes are read or refused", arguments: [UInt64.random(in: .min ... .max)])
    func fuzzing(seed: UInt64) throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<5_000 {
            let entries: [(replica: Int64, sequence: UInt64)] = (1...8).map { place in
                let sequence = UInt64.random(in: 1 ... .max, using: &generator) >> UInt64(place * 7)
                return (Int64(place * place * 50), max(1, sequence))
            }
            let bytes = Mutations.spoil(try #require(SeenBlob.encode(entries)).bytes, using: &generator)
            let seen = try? SeenBlob.decode(bytes) { Replica(test: 1, epoch: UInt64($0)) }
            #expect((seen?.sequences.count ?? 0) <= Operation.seenLimit)
        }
    }
}
