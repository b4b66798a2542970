// SPDX-License-Identifier: Apache-2.0

import KithModel

/// When a server wants to be asked again: `Retry-After` (RFC 9110, section 10.2.3) and `retry-after-ms`.
enum RetryDelay {
    /// Nobody waits longer than a day.
    private static let longest = 86_400.0

    /// - Parameters:
    ///   - header: Seconds, decimals too, or a date.
    ///   - milliseconds: Goes before it.
    /// - Returns: `nil` for what is neither, and for what is not sensible.
    static func read(_ header: String?, milliseconds: String? = nil, now: WallTime) -> Duration? {
        if let text = milliseconds, let value = Double(text.trimmed), let delay = delay(value / 1_000) { return delay }
        guard let text = header?.trimmed, !text.isEmpty else { return nil }
        if let seconds = Double(text) { return delay(seconds) }
        guard let date = date(text) else { return nil }
        return delay(max(date.duration(since: now).seconds, 0))
    }

    private static func delay(_ seconds: Double) -> Duration? {
        seconds >= 0 && seconds <= longest ? .seconds(seconds) : nil
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// `Wed, 21 Oct 2026 07:28:00 GMT`, the form that servers must send.
    private static func date(_ text: String) -> WallTime? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[0].hasSuffix(","), parts[5] == "GMT", let day = Int(parts[1]),
            let month = months.firstIndex(of: String(parts[2])), let year = Int(parts[3]),
            (1...31).contains(day), (1_970...9_999).contains(year)
        else { return nil }
        let clock = parts[4].split(separator: ":").compactMap { Int($0) }
        guard clock.count == 3, (0...23).contains(clock[0]), (0...59).contains(clock[1]), (0...60).contains(clock[2])
        else { return nil }
        let seconds = days(year, month + 1, day) * 86_400 + clock[0] * 3_600 + clock[1] * 60 + clock[2]
        return WallTime(milliseconds: Int64(seconds) * 1_000)
    }

    /// Days since 1970-01-01 in the Gregorian calendar; years are counted from March.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = year / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

extension String {
    fileprivate var trimmed: String {
        let rest = drop { $0 == " " || $0 == "\t" }
        return String(rest.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
