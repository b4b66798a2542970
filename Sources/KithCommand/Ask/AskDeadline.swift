// SPDX-License-Identifier: Apache-2.0

/// The header `x-kith-timeout`, as nodes read it.
package enum AskDeadline {
    /// - Parameter seconds: From 0.001 to 86400.
    /// - Returns: Digits and three decimals, rounded up: never an exponent.
    package static func text(_ seconds: Double) -> String {
        let milliseconds = Int(min(max((seconds * 1_000).rounded(.up), 1), 86_400_000))
        let part = String(milliseconds % 1_000)
        return "\(milliseconds / 1_000)." + String(repeating: "0", count: 3 - part.count) + part
    }
}
