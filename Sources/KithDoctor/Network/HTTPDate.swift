// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The date of HTTP's header fields (RFC 9110, section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
enum HTTPDate {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// - Returns: `nil` for what is not of this form; the obsolete forms are not read.
    static func read(_ text: String) -> WallTime? {
        let parts = text.split(separator: " ")
        guard text.utf8.count <= 40, parts.count == 6, parts[0].hasSuffix(","), parts[5] == "GMT",
            let day = number(parts[1], 1...31), let month = months.firstIndex(of: String(parts[2])),
            let year = number(parts[3], 1970...9_999)
        else { return nil }
        let time = parts[4].split(separator: ":", omittingEmptySubsequences: false)
        guard time.count == 3, let hour = number(time[0], 0...23), let minute = number(time[1], 0...59),
            let second = number(time[2], 0...60)
        else { return nil }
        guard let date = midnight(year: year, month: month + 1, day: day) else { return nil }
        return WallTime(milliseconds: date.milliseconds + Int64(hour * 3_600 + minute * 60 + second) * 1_000)
    }

    /// - Returns: `nil` for what is no date from 1970 to 9999; days of short months are not looked at.
    static func midnight(year: Int, month: Int, day: Int) -> WallTime? {
        guard (1970...9_999).contains(year), (1...12).contains(month), (1...31).contains(day) else { return nil }
        return WallTime(milliseconds: Int64(daysSince1970(year: year, month: month, day: day)) * 86_400_000)
    }

    private static func number(_ text: Substring, _ range: ClosedRange<Int>) -> Int? {
        guard let value = Int(text), range.contains(value) else { return nil }
        return value
    }

    /// In the proleptic Gregorian calendar, counted in years that begin in March.
    private static func daysSince1970(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let monthFromMarch = (month + 9) % 12
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
    }
}

/// The seeds' times: ISO 8601 in UTC, with or without a fraction, `Z` or nothing at the end:
/// `2025-11-28T07:36:42.123456Z`.
enum UTCStamp {
    /// - Returns: `nil` for what is not of this form.
    static func read(_ text: String) -> WallTime? {
        let bytes = Array(text.utf8)
        guard (19...40).contains(bytes.count), bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            bytes[10] == UInt8(ascii: "T") || bytes[10] == UInt8(ascii: " "), bytes[13] == UInt8(ascii: ":"),
            bytes[16] == UInt8(ascii: ":"), let year = number(bytes[0..<4]), let month = number(bytes[5..<7]),
            let day = number(bytes[8..<10]), let hour = number(bytes[11..<13]), let minute = number(bytes[14..<16]),
            let second = number(bytes[17..<19]), hasUTCEnd(bytes[19...])
        else { return nil }
        guard let date = HTTPDate.midnight(year: year, month: month, day: day), hour < 24, minute < 60, second < 61
        else {
            return nil
        }
        return WallTime(milliseconds: date.milliseconds + Int64(hour * 3_600 + minute * 60 + second) * 1_000)
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? { Int(String(decoding: digits, as: UTF8.self)) }

    private static func hasUTCEnd(_ rest: ArraySlice<UInt8>) -> Bool {
        var rest = rest
        if rest.first == UInt8(ascii: ".") { rest = rest.dropFirst().drop { (0x30...0x39).contains($0) } }
        return rest.isEmpty || rest.elementsEqual("Z".utf8) || rest.elementsEqual("+00:00".utf8)
    }
}
