// SPDX-License-Identifier: Apache-2.0

/// How what was learned loses weight.
enum Fading {
    /// What is left of 1 after a time: halved for each half-life, linear in between, 0 after sixty-four.
    static func left(after elapsed: Duration, halfLife: Duration) -> Double {
        let halvings = max(0, elapsed / halfLife)
        guard halvings < 64 else { return 0 }
        let whole = halvings.rounded(.down)
        return (1 - (halvings - whole) / 2) / Double(UInt64(1) << UInt64(whole))
    }
}
