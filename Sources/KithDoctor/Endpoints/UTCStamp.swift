// SPDX-License-Identifier: Apache-2.0

import KithModel

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
