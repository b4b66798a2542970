// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithModel
import Testing

@Suite struct ModelsReportTests {
    private func model(_ name: String, on node: String = "desk") -> ModelMessage.Model {
        var kept = KeptModel(id: ModelID(name), residency: .loaded, bytes: 4_700_000_000)
        kept.memory = 6_100_000_000
        kept.stays = .always
        return ModelMessage.Model(node: node, kept, at: ModelPlace(kind: .ollama), nil)
    }

    private func pull(_ state: ModelMessage.Pull.State, _ completed: Int = 0, of total: Int? = nil) -> ModelMessage.Pull
    {
        ModelMessage.Pull(
            node: "desk", name: "new:1b", engine: "ollama", state: state, status: "pulling manifest",
            completedBytes: completed, totalBytes: total, beganAt: "2026-03-01T12:00:00Z",
            error: state == .failed ? .init(code: "disk_full", message: "no room") : nil)
    }

    private func lines(_ list: ModelMessage.List, width: Int? = nil) -> [String] {
        ModelsReport(list, width: width, style: .plain).lines
    }

    @Test("Each model has a line with where it is and what it takes; the machine is named where there are several")
    func table() {
        #expect(
            lines(.init(models: [model("m:8b")])) == [
                "MODEL  STATE     SIZE  MEMORY  LOADED UNTIL      CONTEXT  ENGINE",
                "m:8b   loaded  4.7 GB  6.1 GB  unloaded by hand        -  ollama",
            ])
        let two = lines(.init(models: [model("m:8b"), model("m:8b", on: "box")]))
        #expect(two[0].contains("NODE") && two[2].contains("box"))
    }

    @Test("What is being got stands among them, and what failed below, with the reason")
    func pulls() {
        let told = lines(.init(pulls: [pull(.running, 40, of: 100), pull(.failed), pull(.done)]))
        #expect(told.count == 3)
        #expect(told[1].contains("new:1b  pulling, 40 %"))
        #expect(told[2] == "new:1b was not pulled to desk: no room")
    }

    @Test("A name of another machine's cannot write over the terminal")
    func foreign() {
        let told = lines(
            .init(models: [model("m\u{1B}[2J\r8b")], missing: [.init(node: "a\u{1B}", reason: "b\n\u{7}")]))
        #expect(!told.joined().unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F })
    }

    @Test("In a narrow terminal the name and the state are left")
    func narrow() {
        let told = lines(.init(models: [model("m:8b")]), width: 20)
        #expect(told[1].hasPrefix("m:8b") && told[1].contains("loaded"))
    }

    @Test("Without a terminal a pull is a line for each tenth, and for each step that has no size")
    func progress() {
        var last: ModelMessage.Pull?
        var told: [String] = []
        for state in [pull(.running), pull(.running)] + (0...100).map({ pull(.running, $0, of: 100) }) {
            if let line = PullWords.line(state, after: last) { told.append(line) }
            last = state
        }
        #expect(told.first == "new:1b: pulling manifest")
        #expect(told.count == 12)
        #expect(told.last == "new:1b: 100 % of 100 bytes")
    }

    @Test("A pull that did not end with the model is a failure of the command, with the reason")
    func ends() throws {
        #expect(try PullWords.end(pull(.done, 5, of: 2_000_000)) == "pulled new:1b to desk (2 MB)")
        #expect { _ = try PullWords.end(pull(.failed)) } throws: { ($0 as? CommandError)?.message == "no room" }
        #expect(throws: CommandError.self) { _ = try PullWords.end(pull(.cancelled)) }
    }

    @Test("Numbers that a machine makes up do not trap", arguments: [Int.min, -1, 0, 1, Int.max])
    func numbers(_ number: Int) {
        let told = lines(.init(pulls: [pull(.running, number, of: 1), pull(.running, 1, of: number)]))
        #expect(told.count == 3)
        _ = PullWords.line(pull(.running, number, of: 1), after: pull(.running, 1, of: number))
        _ = PullWords.bar(pull(.running, number, of: number)).line(width: 80)
    }
}
