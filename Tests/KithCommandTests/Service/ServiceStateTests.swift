// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import KithCommand

@Suite("How a service is, in words")
struct ServiceStateTests {
    private func state(_ changes: [String: String] = [:]) -> ServiceState {
        var values = [
            "LoadState": "loaded", "ActiveState": "active", "SubState": "running", "MainPID": "42",
            "UnitFileState": "enabled", "NRestarts": "0", "Result": "success", "FragmentPath": "/x/kith.service",
        ]
        values.merge(changes) { $1 }
        return ServiceState(properties: values.map { "\($0)=\($1)" }.joined(separator: "\n"))
    }

    @Test("One that runs says its process and its file")
    func running() {
        #expect(state().isRunning && state().startsByItself)
        #expect(state().lines == ["The node runs as a service, process 42.", "Its unit: /x/kith.service"])
    }

    @Test("What is wrong comes with what to do")
    func wrong() {
        let none = ["LoadState": "not-found", "ActiveState": "inactive"]
        #expect(state(none).lines == ["No service is installed: kith service install"])
        let failed = state(["ActiveState": "failed", "SubState": "failed", "MainPID": "0", "Result": "exit-code"])
        #expect(failed.lines[0] == "The service is installed and does not run (exit-code): kith service logs")
        let again = state([
            "ActiveState": "activating", "SubState": "auto-restart", "Result": "signal", "NRestarts": "3",
        ])
        #expect(again.lines[0] == "The node failed and is started again (signal): kith service logs")
        #expect(again.lines[1] == "It was started again 3 times.")
        #expect(state(["UnitFileState": "disabled"]).lines.contains { $0.contains("does not start with the machine") })
    }

    @Test(
        "Lines that are none of systemd's are nothing",
        arguments: ["", "=", "x", "MainPID=abc\nNRestarts=-", "\u{1B}[2J"])
    func hostile(text: String) { #expect(!ServiceState(properties: text).isInstalled) }
}
