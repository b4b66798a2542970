// SPDX-License-Identifier: Apache-2.0

import KithAIOS
import KithModel
import KithTesting
import Testing

@Suite("What answers like a cell")
struct ProbedCellTests {
    private static let target = HostsFile.Target(
        address: HTTPAddress(host: "10.0.0.7", port: 8000),
        host: HostsFile.Host(name: "LAB", addresses: ["10.0.0.7"], branch: "lab-branch", hostname: "lab"))
    private static let health =
        #"{"status":"healthy","cell_id":"lab-cell","branch":"main","consciousness_level":3.2,"#
        + #""services":["code-assist","health"],"type":"cell","hostname":"lab.local"}"#

    private func cell(_ text: String) -> CellInfo? { CellInfo(health: Array(text.utf8), from: Self.target) }

    @Test("A cell's health says all of it, and the file where it is")
    func whole() {
        #expect(
            cell(Self.health)
                == CellInfo(
                    cellID: "lab-cell", ip: "10.0.0.7", port: 8000, level: 3.2, services: ["code-assist", "health"],
                    branch: "main", type: "cell", hostname: "lab.local"))
    }

    @Test("What a cell does not say comes from the file, or is as the seeds have it")
    func sparse() {
        #expect(
            cell(#"{"status":"healthy","cell_id":"x"}"#)
                == CellInfo(cellID: "x", ip: "10.0.0.7", port: 8000, branch: "lab-branch", hostname: "lab"))
    }

    @Test(
        "What is no cell is none",
        arguments: [
            "", "<html></html>", "[]", "{}", #"{"status":"healthy"}"#, #"{"cell_id":"x"}"#,
            #"{"status":"healthy","timestamp":"t","version":"1","checks":{"store":true}}"#,
            #"{"status":"healthy","cell_id":7}"#, #"{"status":"healthy","cell_id":""}"#,
            #"{"status":"healthy","cell_id":"x","services":"all"}"#,
            #"{"status":"healthy","cell_id":"x","consciousness_level":"high"}"#,
        ])
    func foreign(text: String) { #expect(cell(text) == nil) }

    @Test("Spoilt answers are read or refused without harm", arguments: 1...4 as ClosedRange<UInt64>)
    func fuzz(seed: UInt64) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let bytes = Mutations.spoil(Array(Self.health.utf8), using: &generator)
            guard let cell = CellInfo(health: bytes, from: Self.target) else { continue }
            #expect(cell.ip == "10.0.0.7" && cell.port == 8000 && !cell.cellID.isEmpty)
        }
    }
}
