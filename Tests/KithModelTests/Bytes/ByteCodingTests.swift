// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@Suite("Bytes are put together and taken apart")
struct ByteCodingTests {
    private enum Field: Hashable {
        case byte(UInt8), uint16(UInt16), uint64(UInt64), varint(UInt64), prefixed([UInt8]), id(NodeID)

        static func random(using generator: inout SeededGenerator) throws -> Field {
            let number = UInt64.random(in: .min ... .max, using: &generator)
            let shifted = number >> UInt64.random(in: 0..<64, using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: return .byte(UInt8(truncatingIfNeeded: number))
            case 1: return .uint16(UInt16(truncatingIfNeeded: number))
            case 2: return .uint64(number)
            case 3: return .varint(shifted)
            case 4: return .prefixed(bytes(Int.random(in: 0...300, using: &generator), using: &generator))
            default: return .id(try #require(NodeID(digest: bytes(32, using: &generator))))
            }
        }

        private static func bytes(_ count: Int, using generator: inout SeededGenerator) -> [UInt8] {
            (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        }

        func write(to writer: inout ByteWriter) {
            switch self {
            case .byte(let byte): writer.append(byte: byte)
            case .uint16(let number): writer.append(uint16: number)
            case .uint64(let number): writer.append(uint64: number)
            case .varint(let number): writer.append(varint: number)
            case .prefixed(let bytes): writer.append(prefixed: bytes)
            case .id(let id): writer.append(id)
            }
        }

        /// Reads one of the same kind.
        func read(from reader: inout ByteReader) throws -> Field {
            switch self {
            case .byte: .byte(try reader.byte())
            case .uint16: .uint16(try reader.uint16())
            case .uint64: .uint64(try reader.uint64())
            case .varint: .varint(try reader.varint())
            case .prefixed: .prefixed(Array(try reader.prefixedBytes(limit: 300)))
            case .id: .id(try reader.nodeID())
            }
        }
    }

    private func written(_ write: (inout ByteWriter) -> Void) -> [UInt8] {
        var writer = ByteWriter()
        write(&writer)
        return writer.bytes
    }

    private func expect<Read>(
        _ expected: ByteReaderError?, reading bytes: [UInt8], at location: SourceLocation = #_sourceLocation,
        _ read: (inout ByteReader) throws -> Read
    ) {
        var reader = ByteReader(bytes)
        var problem: ByteReaderError?
        do { _ = try read(&reader) } catch { problem = error as? ByteReaderError }
        #expect(problem == expected, "\(bytes)", sourceLocation: location)
    }

    @Test(
        "What was written is read again, also from the middle of other bytes", arguments: 1...20 as ClosedRange<UInt64>)
    func roundTrip(seed: UInt64) throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var fields: [Field] = []
        for _ in 0..<200 { fields.append(try .random(using: &generator)) }
        var writer = ByteWriter(capacity: 4_096)
        for field in fields { field.write(to: &writer) }
        for start in [0, 7] {
            let bytes = [UInt8](repeating: 0xAA, count: start) + writer.bytes
            var reader = ByteReader(bytes.dropFirst(start))
            #expect(reader.remainingCount == writer.bytes.count)
            for field in fields {
                let read = try field.read(from: &reader)
                #expect(read == field)
            }
            #expect(reader.isAtEnd)
            #expect(reader.remainingCount == 0)
        }
    }

    @Test("Numbers of fixed width begin with the highest byte")
    func bigEndian() {
        let bytes = written {
            $0.append(uint16: 0x0102)
            $0.append(uint32: 0x0304_0506)
            $0.append(uint64: 0x0708_090A_0B0C_0D0E)
        }
        #expect(bytes == Array(1...14))
        #expect(UInt64(bigEndianBytes: bytes.prefix(8)) == 0x0102_0304_0506_0708)
        #expect(UInt64(bigEndianBytes: bytes.prefix(2)) == 0x0102)
        #expect(UInt64(bigEndianBytes: [UInt8]()) == 0)
    }

    private static let varints: [(UInt64, [UInt8])] = [
        (0, [0]), (1, [1]), (0x7F, [0x7F]), (0x80, [0x80, 1]), (300, [0xAC, 2]), (0x4000, [0x80, 0x80, 1]),
        (UInt64(Int64.max), [UInt8](repeating: 0xFF, count: 8) + [0x7F]),
        (.max, [UInt8](repeating: 0xFF, count: 9) + [1]),
    ]

    @Test("Numbers of any size take seven bits a byte, the lowest first", arguments: varints)
    func varint(number: UInt64, bytes: [UInt8]) throws {
        let written = written { $0.append(varint: number) }
        #expect(written == bytes)
        var reader = ByteReader(bytes)
        let read = try reader.varint()
        #expect(read == number)
        #expect(reader.isAtEnd)
        for length in 0..<bytes.count {
            expect(.truncated, reading: Array(bytes.prefix(length))) { try $0.varint() }
        }
    }

    @Test("Numbers of more than 64 bits are refused, and leading zeros are not")
    func oddVarints() throws {
        let nine = [UInt8](repeating: 0xFF, count: 9)
        expect(.malformed, reading: nine + [2]) { try $0.varint() }
        expect(.malformed, reading: nine + [0x80, 0]) { try $0.varint() }
        expect(.malformed, reading: nine + [0x81, 0]) { try $0.varint() }
        expect(.malformed, reading: nine + [0xFF, 1]) { try $0.varint() }
        var reader = ByteReader([0x80, 0x80, 0, 0x81, 0])
        let (zero, one) = (try reader.varint(), try reader.varint())
        #expect(zero == 0)
        #expect(one == 1)
        #expect(reader.isAtEnd)
    }

    @Test("Nothing is read beyond the end")
    func truncated() {
        expect(.truncated, reading: []) { try $0.byte() }
        expect(.truncated, reading: [1]) { try $0.uint16() }
        expect(.truncated, reading: [UInt8](repeating: 1, count: 7)) { try $0.uint64() }
        expect(.truncated, reading: [UInt8](repeating: 1, count: 31)) { try $0.nodeID() }
        expect(.truncated, reading: [1, 2]) { try $0.bytes(3) }
        expect(.truncated, reading: [1, 2]) { try $0.bytes(.max) }
        expect(.truncated, reading: [1, 2]) { try $0.bytes(-1) }
        expect(.truncated, reading: [3, 1, 2]) { try $0.prefixedBytes(limit: 10) }
        expect(nil, reading: []) { try $0.bytes(0) }
    }

    @Test("Counts beyond the limit are refused")
    func limits() {
        expect(.limitExceeded, reading: [3, 1, 2, 3]) { try $0.prefixedBytes(limit: 2) }
        expect(nil, reading: [3]) { try $0.count(limit: 3) }
        expect(.limitExceeded, reading: [3]) { try $0.count(limit: 2) }
        let many = written { $0.append(varint: .max) }
        expect(.limitExceeded, reading: many) { try $0.count(limit: .max) }
    }

    @Test("Text is UTF-8")
    func text() throws {
        let bytes = written { $0.append(prefixed: "Grüße".utf8) }
        #expect(bytes.count == 8)
        var reader = ByteReader(bytes)
        let text = try reader.prefixedText(limit: 7)
        #expect(text == "Grüße")
        expect(.malformed, reading: [2, 0xC3, 0x28]) { try $0.prefixedText(limit: 7) }
        expect(.limitExceeded, reading: bytes) { try $0.prefixedText(limit: 6) }
    }

    @Test("An id is the 32 bytes of its digest")
    func ids() throws {
        let digest = (0..<32).map { UInt8($0 * 8) }
        let id = try #require(NodeID(digest: digest))
        #expect(id.digest == digest)
        let written = written { $0.append(id) }
        #expect(written == digest)
        #expect(NodeID(digest: digest.dropLast()) == nil)
        #expect(NodeID(digest: digest + [0]) == nil)
        #expect(NodeID(digest: ([9] + digest).dropFirst()) == id)
    }

    @Test("Spoilt bytes are read or refused, and never trap", arguments: 1...20 as ClosedRange<UInt64>)
    func spoilt(seed: UInt64) throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            var fields: [Field] = []
            for _ in 0..<10 { fields.append(try .random(using: &generator)) }
            var writer = ByteWriter()
            for field in fields { field.write(to: &writer) }
            let bytes = Mutations.spoil(writer.bytes, using: &generator)
            var reader = ByteReader(bytes)
            for field in fields {
                guard (try? field.read(from: &reader)) != nil else { break }
                #expect((0...bytes.count).contains(reader.remainingCount))
            }
        }
    }
}
