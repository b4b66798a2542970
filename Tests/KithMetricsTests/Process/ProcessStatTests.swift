// SPDX-License-Identifier: Apache-2.0

import Testing
@testable import KithMetrics

@Suite("What the system says of a process")
struct ProcessStatTests {
    @Test("The line of a process is read, whatever its program is called")
    func line() throws {
        let line =
            "71 (a) b (c)) S 1 71 71 0 -1 4194560 900 0 1 0 12 34 0 0 20 0 9 0 5555 123456789 4321 18446744073709551615 1 1"
        let stat = try #require(ProcessStat(text: line))
        #expect(stat.startTicks == 5_555)
        #expect(stat.virtualBytes == 123_456_789)
        #expect(stat.residentPages == 4_321)
    }

    @Test(
        "What is no such line is refused",
        arguments: ["", ")", "1 (a) S 1 2", "1 (a) S 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 x y z"])
    func others(text: String) { #expect(ProcessStat(text: text) == nil) }

    @Test("This process has used the processor, and has files open")
    func own() {
        let families = ProcessFamilies.read()
        #expect(families.map(\.name).starts(with: ["process_cpu_seconds_total", "process_max_fds"]))
        for family in families {
            guard case .number(let value)? = family.samples.first?.value else { continue }
            #expect(value > 0, "\(family.name)")
        }
    }
}
