// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

package import KithModel

/// Whoever seems best in a world drawn from what is known: those of whom little is known are tried, and the better one is
/// known to be, the more often it is asked.
///
/// W. R. Thompson, "On the likelihood that one unknown probability exceeds another in view of the evidence of two
/// samples", Biometrika 1933.
package struct ThompsonChoice: PeerChoosing {
    package init() {}

    package mutating func choose(
        among companions: [Companion], now: WallTime, using generator: inout some RandomNumberGenerator
    ) -> Int? {
        var best: (place: Int, worth: Double)?
        for (place, companion) in companions.enumerated() {
            let (alpha, beta) = companion.reputation.shape(at: now)
            let (gain, loss) = (Self.gamma(alpha, using: &generator), Self.gamma(beta, using: &generator))
            let worth = gain / (gain + loss)  // of a Beta distribution
            if worth > best?.worth ?? -1 { best = (place, worth) }
        }
        return best?.place
    }

    /// A draw from the Gamma distribution of a shape of at least 1 (G. Marsaglia and W. W. Tsang, "A simple method for
    /// generating gamma variables", ACM TOMS 2000).
    static func gamma(_ shape: Double, using generator: inout some RandomNumberGenerator) -> Double {
        let scaled = max(shape, 1) - 1.0 / 3
        let spread = 1 / (9 * scaled).squareRoot()
        for _ in 0..<1_000 {  // nineteen of twenty draws are taken
            let normal = Self.normal(using: &generator)
            let cube = 1 + spread * normal
            guard cube > 0 else { continue }
            let volume = cube * cube * cube
            let uniform = Double.random(in: Double.leastNonzeroMagnitude..<1, using: &generator)
            if log(uniform) < normal * normal / 2 + scaled * (1 - volume + log(volume)) { return scaled * volume }
        }
        return scaled
    }

    /// Box and Muller's transform.
    private static func normal(using generator: inout some RandomNumberGenerator) -> Double {
        let radius = (-2 * log(Double.random(in: Double.leastNonzeroMagnitude..<1, using: &generator))).squareRoot()
        return radius * cos(2 * .pi * Double.random(in: 0..<1, using: &generator))
    }
}
