// SPDX-License-Identifier: Apache-2.0

/// Vectors that stand in for embeddings: the same text gives the same vector on every machine.
enum HashedVector {
    /// A vector of length 1.
    static func unit(of text: String, dimensions: Int) -> [Float] {
        var state = fingerprint(text)
        var components = (0..<dimensions).map { _ in component(from: &state) }
        let length = components.reduce(0) { $0 + $1 * $1 }.squareRoot()
        guard length > 0 else {
            components[0] = 1
            return components.map(Float.init)
        }
        return components.map { Float($0 / length) }
    }

    /// FNV-1a, 64 bits (Fowler, Noll and Vo; IETF draft-eastlake-fnv).
    private static func fingerprint(_ text: String) -> UInt64 {
        text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }

    /// A step of a 64-bit linear congruential generator (Knuth, MMIX); its upper half as a number in -1..<1.
    private static func component(from state: inout UInt64) -> Double {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(Int32(truncatingIfNeeded: state >> 32)) / 2_147_483_648
    }
}
