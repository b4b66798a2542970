// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithVault
import Testing

@testable import KithDoctor

@Suite("What nodes share, and where secrets are kept")
struct SharedFindingsTests {
    private func kin(_ name: String, _ state: StateMessage.Sync.Standing, behind: UInt64 = 0) -> StateMessage.Sync.Kin {
        StateMessage.Sync.Kin(
            id: name, name: name, state: state, behindBy: behind, aheadBy: 0,
            unreachableSince: state == .unreachable ? "2026-03-01T12:00:00.000000Z" : nil)
    }

    @Test("Kin that agree, lag and are away are told apart; none of it is a fault by itself")
    func sync() {
        let found = SyncDiagnosis.findings(
            StateMessage.Sync(
                node: "desk", level: 1, operations: 9, quarantined: 0, versions: [:],
                kin: [kin("laptop", .inStep), kin("phone", .behind, behind: 3), kin("tablet", .unreachable, behind: 2)])
        )
        #expect(found.map(\.severity) == [.ok, .notice, .notice])
        #expect(found[1].seen == "phone lacks 3 changes")
        #expect(found[2].seen.contains("since 2026-03-01T12:00:00; it lacks 2 changes"))
    }

    @Test("Changes that wait for their time point at the clocks")
    func quarantine() {
        let found = SyncDiagnosis.findings(
            StateMessage.Sync(node: "desk", level: 1, operations: 9, quarantined: 2, versions: [:], kin: []))
        #expect(found.map(\.severity) == [.warning])
        #expect(found.first?.fix?.command == "timedatectl")
    }

    @Test(
        "Each state of Vault that gives no secrets has its own remedy",
        arguments: [
            (VaultStatus.sealed, "vault operator unseal"), (.notInitialised, "vault operator init"),
            (.unreachable(.noConnection), "curl -v http://192.0.2.1:8200/v1/sys/health"),
        ])
    func vault(_ status: VaultStatus, _ command: String) {
        let finding = VaultDiagnosis.finding(status, at: HTTPAddress(host: "192.0.2.1", port: 8200), took: .zero)
        #expect(finding.severity == .error)
        #expect(finding.fix?.command == command)
        #expect(!finding.seen.contains(";"))
    }

    @Test("A Vault that gives secrets is well", arguments: [VaultStatus.active, .standby, .performanceStandby])
    func open(_ status: VaultStatus) {
        let finding = VaultDiagnosis.finding(status, at: HTTPAddress(host: "192.0.2.1", port: 8200), took: .zero)
        #expect(finding.severity == .ok)
    }
}
