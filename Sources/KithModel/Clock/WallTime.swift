// SPDX-License-Identifier: Apache-2.0

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A point on the machine's calendar, in milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
///
/// For what is shown or outlives the process. It may jump in both directions; waiting is measured in ``MonotonicInstant``s.
package struct WallTime: Hashable, Sendable, Comparable {
    package var milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    package static let epoch = WallTime(milliseconds: 0)

    /// Reads the machine's clock. For shells only: pure values are given the time.
    package static func now() -> WallTime {
        WallTime(milliseconds: Int64(exactly: (Date().timeIntervalSince1970 * 1_000).rounded(.down)) ?? 0)
    }

    /// Stops at the end of time instead of overflowing; parts of a millisecond are dropped.
    package func advanced(by duration: Duration) -> WallTime {
        let (sum, overflow) = milliseconds.addingReportingOverflow(duration.wholeMilliseconds)
        return WallTime(milliseconds: overflow ? (duration < .zero ? .min : .max) : sum)
    }

    /// The time that passed since `earlier`; negative when `earlier` is later.
    package func duration(since earlier: WallTime) -> Duration {
        let (difference, overflow) = milliseconds.subtractingReportingOverflow(earlier.milliseconds)
        return .milliseconds(overflow ? (self < earlier ? .min : .max) : difference)
    }

    package static func < (left: WallTime, right: WallTime) -> Bool { left.milliseconds < right.milliseconds }
}

extension WallTime: Codable {
    /// Coded as the number of milliseconds.
    package init(from decoder: any Decoder) throws {
        self.init(milliseconds: try decoder.singleValueContainer().decode(Int64.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(milliseconds)
    }
}

extension WallTime: CustomStringConvertible {
    package var description: String { rfc3339 }

    /// Date and time in UTC as in RFC 3339, with microseconds: `2026-03-01T12:00:00.250000Z`.
    ///
    /// Times before the year 0 and after the year 9999, which the format cannot write, become its first and last.
    package var rfc3339: String {
        let held = min(max(milliseconds, Self.firstWritable), Self.lastWritable)
        let (day, timeOfDay) = Self.floorDivide(held, by: Self.millisecondsPerDay)
        let date = Self.civilDate(daysSince1970: day)
        let (minutes, millisecondsOfMinute) = (timeOfDay / 60_000, timeOfDay % 60_000)

        var text: [UInt8] = []
        text.reserveCapacity(27)
        Self.append(date.year, width: 4, to: &text)
        text.append(UInt8(ascii: "-"))
        Self.append(date.month, width: 2, to: &text)
        text.append(UInt8(ascii: "-"))
        Self.append(date.day, width: 2, to: &text)
        text.append(UInt8(ascii: "T"))
        Self.append(minutes / 60, width: 2, to: &text)
        text.append(UInt8(ascii: ":"))
        Self.append(minutes % 60, width: 2, to: &text)
        text.append(UInt8(ascii: ":"))
        Self.append(millisecondsOfMinute / 1_000, width: 2, to: &text)
        text.append(UInt8(ascii: "."))
        Self.append(millisecondsOfMinute % 1_000 * 1_000, width: 6, to: &text)
        text.append(UInt8(ascii: "Z"))
        return String(decoding: text, as: UTF8.self)
    }

    /// The date of HTTP's header fields (RFC 9110, 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`. Years as ``rfc3339``.
    package var httpDate: String {
        let held = min(max(milliseconds, Self.firstWritable), Self.lastWritable)
        let (day, timeOfDay) = Self.floorDivide(held, by: Self.millisecondsPerDay)
        let date = Self.civilDate(daysSince1970: day)
        let seconds = timeOfDay / 1_000
        var text = Array(Self.weekdays[Int(Self.floorDivide(day + 4, by: 7).remainder)].utf8)
        text += Array(", ".utf8)
        Self.append(date.day, width: 2, to: &text)
        text += Array(" \(Self.months[Int(date.month) - 1]) ".utf8)
        Self.append(date.year, width: 4, to: &text)
        for (separator, part) in [(" ", seconds / 3_600), (":", seconds / 60 % 60), (":", seconds % 60)] {
            text += Array(separator.utf8)
            Self.append(part, width: 2, to: &text)
        }
        text += Array(" GMT".utf8)
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads what ``httpDate`` writes, from 1970 on; `nil` for anything else, such as the obsolete forms.
    ///
    /// The weekday and the length of the month are not checked.
    package init?(httpDate text: String) {
        guard text.utf8.count <= Self.longestReadable else { return nil }
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[0].hasSuffix(","), parts[5] == "GMT", let day = Self.number(parts[1], 1...31),
            let month = Self.months.firstIndex(of: String(parts[2])), let year = Self.number(parts[3], 1_970...9_999)
        else { return nil }
        let time = parts[4].split(separator: ":", omittingEmptySubsequences: false)
        guard time.count == 3, let hour = Self.number(time[0], 0...23), let minute = Self.number(time[1], 0...59),
            let second = Self.number(time[2], 0...60)
        else { return nil }
        let days = Self.daysSince1970(year: year, month: Int64(month) + 1, day: day)
        self.init(days: days, hour: hour, minute: minute, second: second)
    }

    /// Reads ISO 8601 in UTC from 1970 on, with or without a fraction, with `Z`, `+00:00` or nothing at the end:
    /// `2025-11-28T07:36:42.123456Z`; `nil` for anything else. The fraction is dropped.
    ///
    /// The length of the month is not checked.
    package init?(iso8601 text: String) {
        guard (19...Self.longestReadable).contains(text.utf8.count) else { return nil }
        let bytes = Array(text.utf8)
        func number(_ digits: Range<Int>, _ range: ClosedRange<Int64>) -> Int64? {
            Self.number(String(decoding: bytes[digits], as: UTF8.self), range)
        }
        guard bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            bytes[10] == UInt8(ascii: "T") || bytes[10] == UInt8(ascii: " "), bytes[13] == UInt8(ascii: ":"),
            bytes[16] == UInt8(ascii: ":"), Self.isEndInUTC(bytes[19...]), let year = number(0..<4, 1_970...9_999),
            let month = number(5..<7, 1...12), let day = number(8..<10, 1...31), let hour = number(11..<13, 0...23),
            let minute = number(14..<16, 0...59), let second = number(17..<19, 0...60)
        else { return nil }
        let days = Self.daysSince1970(year: year, month: month, day: day)
        self.init(days: days, hour: hour, minute: minute, second: second)
    }

    private init(days: Int64, hour: Int64, minute: Int64, second: Int64) {
        self.init(milliseconds: days * Self.millisecondsPerDay + (hour * 3_600 + minute * 60 + second) * 1_000)
    }

    /// In bytes.
    private static let longestReadable = 40

    private static func number(_ digits: some StringProtocol, _ range: ClosedRange<Int64>) -> Int64? {
        guard let value = Int64(digits), range.contains(value) else { return nil }
        return value
    }

    private static func isEndInUTC(_ rest: ArraySlice<UInt8>) -> Bool {
        var rest = rest
        if rest.first == UInt8(ascii: ".") { rest = rest.dropFirst().drop { (0x30...0x39).contains($0) } }
        return rest.isEmpty || rest.elementsEqual("Z".utf8) || rest.elementsEqual("+00:00".utf8)
    }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    private static let millisecondsPerDay: Int64 = 86_400_000
    /// Until 1970-01-01.
    private static let daysFromMarchOfYear0: Int64 = 719_468
    /// 0000-01-01T00:00:00.000Z.
    private static let firstWritable: Int64 = -62_167_219_200_000
    /// 9999-12-31T23:59:59.999Z.
    private static let lastWritable: Int64 = 253_402_300_799_999

    private static func floorDivide(_ value: Int64, by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    /// The date in the proleptic Gregorian calendar.
    ///
    /// Counts in years that begin in March, so that the leap day is the last of its year and month lengths follow the
    /// repeating pattern 31 30 31 30 31, which is 153 days.
    private static func civilDate(daysSince1970: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = floorDivide(daysSince1970 + daysFromMarchOfYear0, by: 146_097)
        let leapDays = dayOfEra / 1_460 - dayOfEra / 36_524 + dayOfEra / 146_096
        let yearOfEra = (dayOfEra - leapDays) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day)
    }

    /// The inverse of ``civilDate(daysSince1970:)``.
    private static func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
        let yearFromMarch = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = floorDivide(yearFromMarch, by: 400)
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - daysFromMarchOfYear0
    }

    private static func append(_ value: Int64, width: Int, to text: inout [UInt8]) {
        let digits = String(value)
        text.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: max(0, width - digits.utf8.count)))
        text.append(contentsOf: digits.utf8)
    }
}

extension Duration {
    /// The whole milliseconds of this duration, held to the range of `Int64`.
    package var wholeMilliseconds: Int64 {
        Int64(clamping: attoseconds / 1_000_000_000_000_000)
    }
}
