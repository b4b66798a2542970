// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Times in RFC 3339's form, for people. Any other text gives some result, and never traps.
package enum TimeText {
    /// `2026-03-01 12:00 UTC`.
    package static func minute(_ time: String) -> String { day(time) + " " + clock(time) + " UTC" }

    /// `14:02 UTC` for a time of today, else with its day.
    package static func since(_ time: String, now: WallTime) -> String {
        day(time) == day(now.rfc3339) ? clock(time) + " UTC" : minute(time)
    }

    private static func day(_ time: String) -> String { String(time.prefix(10)) }

    private static func clock(_ time: String) -> String { String(time.dropFirst(11).prefix(5)) }
}

/// How long something is valid, as people write it: `90s`, `10m`, `2h`, `30d`.
package struct Lifetime: Hashable, Sendable {
    package let seconds: Int

    /// - Parameters:
    ///   - flag: For the message.
    ///   - limits: Seconds.
    /// - Throws: ``CommandError`` with `usage` that says what would be right.
    package init(_ text: String, flag: String, within limits: ClosedRange<Int>) throws(CommandError) {
        guard let seconds = Self.seconds(text), limits.contains(seconds) else {
            throw CommandError(
                .usage,
                "\(flag) must be a number with s, m, h or d, from \(Self.short(limits.lowerBound)) to "
                    + "\(Self.short(limits.upperBound)), such as 10m; it is '\(text.printable.truncated(toWidth: 40))'")
        }
        self.seconds = seconds
    }

    private static let units: [(letter: Character, word: String, seconds: Int)] = [
        ("d", "day", 86_400), ("h", "hour", 3_600), ("m", "minute", 60), ("s", "second", 1),
    ]

    private static func seconds(_ text: String) -> Int? {
        guard let letter = text.last, let unit = units.first(where: { $0.letter == Character(letter.lowercased()) }),
            let count = Int(text.dropLast()), count > 0
        else { return nil }
        let (seconds, overflow) = count.multipliedReportingOverflow(by: unit.seconds)
        return overflow ? nil : seconds
    }

    /// `10m`: in the largest unit that leaves nothing over.
    private static func short(_ seconds: Int) -> String {
        guard let unit = units.first(where: { seconds % $0.seconds == 0 }) else { return "\(seconds)s" }
        return "\(seconds / unit.seconds)\(unit.letter)"
    }

    /// `10 minutes`, `1 day`, `90 seconds`.
    package static func words(_ seconds: Int) -> String {
        guard seconds > 0, let unit = units.first(where: { seconds % $0.seconds == 0 }) else {
            return "\(seconds) seconds"
        }
        let count = seconds / unit.seconds
        return "\(count) \(unit.word)\(count == 1 ? "" : "s")"
    }
}
