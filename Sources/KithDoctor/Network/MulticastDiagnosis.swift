// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel

/// Whether nodes can be found by mDNS from here.
struct MulticastDiagnosis: Diagnosis {
    let check = CheckID.mdns
    let title = "mdns"

    /// Whether the settings ask for it.
    let isWanted: Bool
    /// What the running node says does not work; `nil` when none runs.
    let problems: [String]?

    func run() async -> [Finding] {
        if let told = problems?.first(where: { $0.hasPrefix("mDNS") }) { return [Self.finding(told)] }
        guard isWanted || problems?.isEmpty == false else {
            return [Finding(check, title, .skipped, "not asked for: --lan or --mdns on announces the node")]
        }
        let answer = await OffThread.run(limit: .milliseconds(2_500)) { MulticastTrial.run() }
        guard let answer else { return [Self.finding("mDNS is off: the daemon does not answer")] }
        return [answer.map(Self.finding) ?? Finding(check, title, .ok, "the daemon takes announcements and questions")]
    }

    /// - Parameter problem: As discovery words it: what is wrong, and in parentheses the command or packages that mend
    ///   it.
    static func finding(_ problem: String) -> Finding {
        var seen = problem
        var fix = Finding.Fix("start the mDNS daemon, or pair by code, which needs none", command: daemonCommand)
        if let open = problem.lastIndex(of: "("), problem.hasSuffix(")") {
            let remedy = problem[problem.index(after: open)...].dropLast()
            seen = String(problem[..<open]).trimmingSpaces
            fix =
                remedy.hasPrefix("sudo ")
                ? Finding.Fix("start the daemon, or pair by code, which needs none", command: String(remedy))
                : remedy.hasPrefix("Debian: ")
                    ? Finding.Fix(
                        "install it, or pair by code, which needs none",
                        command: "sudo apt-get install " + remedy.dropFirst(8).replacing(",", with: ""))
                    : Finding.Fix(String(remedy))
        }
        return Finding(.mdns, "mdns", .warning, seen, fix: fix)
    }

    private static var daemonCommand: String? {
        #if os(Linux)
            "sudo systemctl start avahi-daemon"
        #else
            nil
        #endif
    }
}

extension String {
    fileprivate var trimmingSpaces: String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
