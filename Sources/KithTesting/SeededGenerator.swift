// SPDX-License-Identifier: Apache-2.0

/// A repeatable source of randomness: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014).
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Spoils bytes as networks and attackers do: flips, cuts, doublings, foreign bytes, absurd numbers.
package enum Mutations {
    private static let splices = [
        "1e999", "-1", "9223372036854775808", "NaN", "null", "\"", "\\u0000", "[[[[", "{}", ",", "\u{2028}", "true",
        "0.5",
    ]

    package static func spoil(_ bytes: [UInt8], using generator: inout some RandomNumberGenerator) -> [UInt8] {
        var spoilt = bytes
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let place = Int.random(in: 0...spoilt.count, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: spoilt.removeSubrange(place...)
            case 1 where place < spoilt.count: spoilt[place] = UInt8.random(in: .min ... .max, using: &generator)
            case 2 where place < spoilt.count: spoilt.remove(at: place)
            case 3: spoilt.insert(contentsOf: Array(spoilt[place...].prefix(64)), at: place)
            default:
                let splice = splices[Int.random(in: 0..<splices.count, using: &generator)]
                spoilt.insert(contentsOf: Array(splice.utf8), at: place)
            }
        }
        return spoilt
    }
}
