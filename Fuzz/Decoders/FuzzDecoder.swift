// SPDX-License-Identifier: Apache-2.0

/// A decoder that bytes of other machines, engines or clients reach, as fuzzing runs it: on any bytes it must return or refuse,
/// and keep what it promises.
package struct FuzzDecoder: Sendable {
    package let name: String
    /// Inputs that it understands, for the fuzzer to begin with.
    package let seeds: [[UInt8]]
    /// Traps where a promise is broken.
    package let run: @Sendable ([UInt8]) -> Void

    init(_ name: String, seeds: [String], _ run: @escaping @Sendable ([UInt8]) -> Void) {
        self.init(name, bytes: seeds.map { Array($0.utf8) }, run)
    }

    init(_ name: String, bytes seeds: [[UInt8]], _ run: @escaping @Sendable ([UInt8]) -> Void) {
        self.name = name
        self.seeds = seeds
        self.run = run
    }

    package static let all: [FuzzDecoder] = texts + requests + answers + streams + packets

    /// A decoder of whole bytes that may refuse.
    static func reading<Value>(
        _ name: String, seeds: [String], _ read: @escaping @Sendable ([UInt8]) throws -> Value
    ) -> FuzzDecoder {
        FuzzDecoder(name, seeds: seeds) { bytes in _ = try? read(bytes) }
    }
}

/// Bytes in two parts: the first byte says where they are cut, so that the fuzzer finds cuts that matter.
struct CutBytes {
    let whole: ArraySlice<UInt8>
    let parts: [ArraySlice<UInt8>]

    init(_ bytes: [UInt8]) {
        whole = bytes.dropFirst()
        let place = whole.isEmpty ? 0 : Int(bytes[0]) % (whole.count + 1)
        parts = [whole.prefix(place), whole.dropFirst(place)]
    }
}
