// SPDX-License-Identifier: Apache-2.0

/// Numbers of seven digits and more, however they are grouped: telephones, dates of birth, accounts.
///
/// Numbers with commas between groups of three are amounts. Others are refused rather than understood: who talks about
/// ideas rarely needs them.
enum NumberRule {
    static let digits = 7

    static func matches(_ scan: TextScan) -> Bool {
        var (digits, gap) = (0, 0)
        for scalar in scan.scalars {
            if scalar.isDigit {
                digits += 1
                gap = 0
                if digits >= Self.digits { return true }
            } else if digits > 0, gap < 2, separators.contains(scalar) {
                gap += 1
            } else {
                (digits, gap) = (0, 0)
            }
        }
        return false
    }

    private static let separators: Set<Unicode.Scalar> = [" ", "-", ".", "/", "(", ")", "+"]
}
