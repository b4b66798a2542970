// SPDX-License-Identifier: Apache-2.0

import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Names one request of one client, for logs, routes and answers: 128 random bits in hexadecimal.
package struct RequestID: Hashable, Sendable, CustomStringConvertible {
    package let rawValue: String

    package init(rawValue: String) { self.rawValue = rawValue }

    package static func random() -> RequestID {
        var generator = BulkRandom()
        return random(using: &generator)
    }

    package static func random(using generator: inout some RandomNumberGenerator) -> RequestID {
        var bits = ByteWriter(capacity: 16)
        for _ in 0..<2 { bits.append(uint64: generator.next()) }
        return RequestID(rawValue: bits.bytes.hexadecimal)
    }

    package var description: String { rawValue }
}

extension RequestID {
    /// Characters of a name that a client gives.
    package static let givenLimit = 128

    /// A name that a client gave: letters, digits and a few signs, so that it can stand in headers, addresses and logs.
    ///
    /// - Returns: `nil` for another one, which counts as none.
    package init?(given text: String) {
        guard (1...Self.givenLimit).contains(text.utf8.count), text.utf8.allSatisfy(Self.isNameByte) else { return nil }
        self.init(rawValue: text)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: ":"), UInt8(ascii: "="), UInt8(ascii: "@"), UInt8(ascii: "+"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}

/// The system's randomness, fetched 256 bytes at a time: names are made for every request, and each
/// `SystemRandomNumberGenerator.next()` is a call of the kernel on Linux.
struct BulkRandom: RandomNumberGenerator {
    private static let stockSize = 32
    private static let stock = Mutex<[UInt64]>([])

    func next() -> UInt64 {
        Self.stock.withLock { stock in
            if stock.isEmpty { stock = Self.fetch(Self.stockSize) }
            return stock.removeLast()
        }
    }

    private static func fetch(_ count: Int) -> [UInt64] {
        [UInt64](unsafeUninitializedCapacity: count) { words, filled in
            // No more than 256 bytes, of which it fills all or none; it fails only where the kernel lacks the call.
            if getentropy(words.baseAddress, count * MemoryLayout<UInt64>.size) != 0 {
                var generator = SystemRandomNumberGenerator()
                for index in 0..<count { words.initializeElement(at: index, to: generator.next()) }
            }
            filled = count
        }
    }
}
