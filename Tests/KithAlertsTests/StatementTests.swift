// SPDX-License-Identifier: Apache-2.0

import KithAlerts
import KithModel
import Testing

@Suite("What a kin says of an alert")
struct StatementTests {
    private let now = WallTime(milliseconds: 1_000_000_000)

    @Test func `cannot close it for a time that is far away`() throws {
        let far: JSONValue = ["closed_up_to": .integer(.max)]
        #expect(try #require(AlertStatement(far)).isPlausible(at: now) == false)
        let near: JSONValue = ["closed_up_to": .integer(now.milliseconds + 60_000)]
        #expect(try #require(AlertStatement(near)).isPlausible(at: now))
    }

    @Test func `holds nothing that a terminal obeys`() throws {
        let said: JSONValue = [
            "seen": ["since": 1, "name": "desk", "value": 1.0, "detail": "gone\u{1B}[2J\nand\u{0} more"]
        ]
        #expect(try #require(AlertStatement(said)).sighting?.detail == "gone␛[2J and␀ more")
    }
}
