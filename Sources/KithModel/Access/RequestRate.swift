// SPDX-License-Identifier: Apache-2.0

/// How many requests somebody may make, such as sixty a minute.
///
/// All of them may come at once; then one may follow each ``interval``, and after a pause as many as would have fitted
/// into it. So in no time do more come than the count, and as many again as fit into that time.
package struct RequestRate: Hashable, Sendable {
    package enum Period: String, Sendable, CaseIterable {
        case second = "s"
        case minute = "min"
        case hour
        case day

        package var seconds: Int64 {
            switch self {
            case .second: 1
            case .minute: 60
            case .hour: 3_600
            case .day: 86_400
            }
        }

        /// - Parameter word: In full, or as people shorten it.
        init?(_ word: some StringProtocol) {
            switch word.lowercased() {
            case "s", "sec", "second": self = .second
            case "m", "min", "minute": self = .minute
            case "h", "hr", "hour": self = .hour
            case "d", "day": self = .day
            default: return nil
            }
        }
    }

    package static let counts = 1...1_000_000

    package let count: Int
    package let period: Period

    /// - Returns: `nil` for a count out of range.
    package init?(_ count: Int, per period: Period) {
        guard Self.counts.contains(count) else { return nil }
        self.count = count
        self.period = period
    }

    /// Reads what ``description`` writes, such as `60/min`, `5/s`, `1000/hour` or `20000/day`.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, (1...7).contains(parts[0].utf8.count),
            parts[0].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = Int(parts[0]),
            let period = Period(parts[1])
        else { return nil }
        self.init(count, per: period)
    }

    /// Between two requests of somebody who makes as many as they may, in nanoseconds; at least one thousand.
    package var interval: Int64 { period.seconds * 1_000_000_000 / Int64(count) }
}

extension RequestRate: CustomStringConvertible {
    package var description: String { "\(count)/\(period.rawValue)" }
}
