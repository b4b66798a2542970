// SPDX-License-Identifier: Apache-2.0

import KithCommand
import Testing

@Suite("Lengths of time on a command line")
struct LifetimeTests {
    @Test(
        "A number and a unit are read",
        arguments: [("90s", 90), ("10m", 600), ("2h", 7_200), ("1d", 86_400), ("10M", 600), ("10s", 10)])
    func read(text: String, seconds: Int) throws {
        #expect(try Lifetime(text, flag: "--expires", within: 10...86_400).seconds == seconds)
    }

    @Test(
        "Everything else is refused with the flag, the bounds and an example",
        arguments: [
            "", "m", "10", "10 m", "-5m", "0m", "1.5h", "9s", "25h", "2d", "ten", "10w", "99999999999999999999d",
            "9223372036854775807d", "1e3s", "\u{1B}[2J",
        ])
    func refused(text: String) {
        let failure = #expect(throws: CommandError.self) {
            try Lifetime(text, flag: "--expires", within: 10...86_400)
        }
        #expect(failure?.status == .usage)
        for part in ["--expires", "10s", "1d", "10m"] { #expect(failure?.message.contains(part) == true) }
        #expect(failure?.message.contains("\u{1B}") == false)
    }

    @Test(
        "Seconds are told in the largest unit that fits",
        arguments: [
            (90, "90 seconds"), (600, "10 minutes"), (60, "1 minute"), (7_200, "2 hours"), (86_400, "1 day"),
            (0, "0 seconds"), (-3, "-3 seconds"),
        ])
    func words(seconds: Int, words: String) { #expect(Lifetime.words(seconds) == words) }
}
