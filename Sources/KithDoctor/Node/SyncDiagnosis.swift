// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Whether kin know what this node knows.
struct SyncDiagnosis: Diagnosis {
    let check = CheckID.sync
    let title = "sync"

    let access: NodeAccess

    func run() async -> [Finding] {
        do {
            return Self.findings(try await access.get(JSONValue.self, "/api/sync", limit: .milliseconds(2_500)))
        } catch {
            return [Finding(check, title, .skipped, "this node does not tell how far its kin agree")]
        }
    }

    static func findings(_ report: JSONValue) -> [Finding] {
        let kin = report["kin"]?.arrayValue ?? []
        var findings = kin.prefix(NodePlan.peerLimit).map(finding)
        if let waiting = report["quarantined"]?.intValue, waiting > 0 {
            findings.append(
                Finding(
                    .sync, "sync", .warning,
                    "\(waiting) changes come from a clock that is ahead, and wait for their time",
                    fix: Finding.Fix("let all machines set their clocks by the network", command: "timedatectl"),
                    isConsequence: true))
        }
        return findings.isEmpty ? [Finding(.sync, "sync", .ok, "no kin to agree with")] : findings
    }

    private static func finding(_ kin: JSONValue) -> Finding {
        let name = String((kin["name"]?.stringValue ?? kin["id"]?.stringValue ?? "?").prefix(64))
        let behind = kin["behind_by"]?.intValue ?? 0
        let ahead = kin["ahead_by"]?.intValue ?? 0
        switch kin["state"]?.stringValue {
        case "in_step"?: return Finding(.sync, "sync", .ok, "\(name) is in step", of: name)
        case "unreachable"?:
            let since = kin["unreachable_since"]?.stringValue.map { " since \($0.prefix(19))" } ?? ""
            let lack = behind > 0 ? "; it lacks \(behind) changes" : ""
            return Finding(
                .sync, "sync", .notice, "\(name) cannot be reached\(since)\(lack); it catches up when it is back",
                of: name,
                isConsequence: true)
        case "unknown"?, nil: return Finding(.sync, "sync", .notice, "\(name) has not said yet what it knows", of: name)
        default:
            let problem = kin["problem"]?.stringValue.map { ": \($0.prefix(200))" } ?? ""
            let parts = [
                behind > 0 ? "lacks \(behind) changes" : nil, ahead > 0 ? "knows \(ahead) more" : nil,
            ].compactMap { $0 }
            let words = parts.isEmpty ? "is catching up" : parts.joined(separator: " and ")
            return Finding(.sync, "sync", .notice, "\(name) \(words)\(problem)", of: name)
        }
    }
}
