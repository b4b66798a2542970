// SPDX-License-Identifier: Apache-2.0

import KithDialects

/// Whether kin know what this node knows.
struct SyncDiagnosis: Diagnosis {
    let check = CheckID.sync
    let title = "sync"

    let access: NodeAccess

    func run() async -> [Finding] {
        do {
            return Self.findings(
                try await access.get(StateMessage.Sync.self, "/api/sync", limit: .milliseconds(2_500)))
        } catch {
            return [Finding(check, title, .skipped, "this node does not tell how far its kin agree")]
        }
    }

    static func findings(_ sync: StateMessage.Sync) -> [Finding] {
        var findings = sync.kin.prefix(NodePlan.peerLimit).map(finding)
        if sync.quarantined > 0 {
            findings.append(
                Finding(
                    .sync, "sync", .warning,
                    "\(sync.quarantined) changes come from a clock that is ahead, and wait for their time",
                    fix: Finding.Fix("let all machines set their clocks by the network", command: "timedatectl"),
                    isConsequence: true))
        }
        return findings.isEmpty ? [Finding(.sync, "sync", .ok, "no kin to agree with")] : findings
    }

    private static func finding(_ kin: StateMessage.Sync.Kin) -> Finding {
        func finding(_ severity: Finding.Severity, _ words: String) -> Finding {
            Finding(.sync, "sync", severity, "\(kin.name.prefix(64)) \(words)", of: kin.name)
        }
        let why = kin.problem.map { ": \($0.prefix(200))" } ?? ""
        switch kin.state {
        case .inStep: return finding(.ok, "is in step")
        case .unknown: return finding(.notice, "has not said yet what it knows\(why)")
        case .behind: return finding(.notice, "lacks \(kin.behindBy) changes\(why)")
        case .ahead: return finding(.notice, "knows \(kin.aheadBy) changes more\(why)")
        case .diverged:
            return finding(.notice, "lacks \(kin.behindBy) changes and knows \(kin.aheadBy) more\(why)")
        case .unreachable:
            let since = kin.unreachableSince.map { " since \($0.prefix(19))" } ?? ""
            let lack = kin.behindBy > 0 ? "; it lacks \(kin.behindBy) changes" : ""
            return finding(.notice, "cannot be reached\(since)\(lack); it catches up when it is back")
        }
    }
}
