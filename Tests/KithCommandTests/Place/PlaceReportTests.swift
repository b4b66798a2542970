// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithModel
import Testing

@Suite("The plan of models and machines, for people")
struct PlaceReportTests {
    private static func plan() -> PlaceMessage.Plan {
        let facts = MachineFacts(
            memory: .init(total: 32_000_000_000, free: 20_100_000_000),
            accelerator: .init(total: 24_000_000_000, free: 1_000_000_000),
            battery: .init(isInUse: true, percent: 43), isLidClosed: true
        ).sparing(below: 50)
        return PlaceMessage.Plan(
            machines: [
                .init(
                    node: "laptop", state: "up", isPaused: false, active: 0, slots: 4, problem: nil,
                    machine: MachineMessage(facts)),
                .init(
                    node: "desk", state: "asleep", isPaused: false, active: 0, slots: 1,
                    problem: "it cannot be reached",
                    machine: nil),
            ],
            models: [
                .init(
                    name: "llama3.2:1b", sizeBytes: 1_300_000_000, needBytes: 2_000_000_000,
                    places: [
                        .init(node: "laptop", residency: .loaded, memoryBytes: 2_000_000_000, loadedUntil: "always"),
                        .init(node: "desk", residency: nil, missingBytes: 400_000_000),
                    ],
                    next: .init(
                        node: "laptop", reason: "shortest-wait", waitMilliseconds: 1_200, coldLoadMilliseconds: 0),
                    refusal: nil)
            ], ahead: .init(node: "laptop", model: "llama3.2:1b", deed: .keep))
    }

    @Test("First what the machines have left, then where the models are and who is next")
    func whole() {
        #expect(
            PlaceReport(Self.plan(), width: nil, style: .plain).lines == [
                "MACHINE  STATE          MEMORY FREE      GRAPHICS FREE  POWER                              BUSY",
                "laptop   up      20.1 GB of 32.0 GB  1.0 GB of 24.0 GB  battery, 43 %, lid closed, spared   0/4",
                "desk     asleep                   -                  -  -                                   0/1",
                "",
                "MODEL        MEMORY  WHERE           NEXT",
                "llama3.2:1b  2.0 GB  laptop: loaded  laptop: the shortest wait, 1.2 s",
                "laptop keeps llama3.2:1b next, by itself",
                "desk: it cannot be reached",
            ])
    }

    @Test("One model has a line for each machine, those too that do not have it")
    func one() {
        let lines = PlacedModelReport(Self.plan(), width: nil, style: .plain).lines
        #expect(lines[0] == "llama3.2:1b  1.3 GB on the disk, 2.0 GB in memory")
        #expect(lines[1] == "next: laptop: the shortest wait, 1.2 s")
        #expect(lines[3].hasPrefix("laptop   loaded"))
        #expect(lines[4].hasPrefix("desk     absent, 400 MB of memory short"))
    }
}
