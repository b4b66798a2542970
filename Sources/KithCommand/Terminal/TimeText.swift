// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Times in RFC 3339's form, for people. What is no such time comes out as something, and never traps.
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
