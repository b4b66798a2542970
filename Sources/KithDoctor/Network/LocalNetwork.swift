// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel

/// What this machine has of a network.
package enum LocalNetwork {
    /// Whether it has an address at which other machines could reach it.
    package static var hasAddress: Bool { !UsableAddresses.from(InterfaceWatch.survey()).isEmpty }
}

/// The addresses of this machine, and whether others can reach the node at one of them.
struct InterfaceFindings: Sendable {
    var survey: [InterfaceAddress]
    /// Where the peer port listens, by the settings.
    var peerHost: String
    /// What the running node says of itself; empty for one that does not run.
    var announced: [PeerAddress]
    /// Whether the node knows peers at addresses of other machines.
    var hasDistantPeers: Bool
    /// A node that does not run may be started with other flags than those that are known here.
    var isRunning = true
    var start = StartCommand.byHand

    var findings: [Finding] { [interfaces, reachable] }

    private var usable: [IPAddress] { UsableAddresses.from(survey) }

    private var interfaces: Finding {
        let running = survey.filter { usable.contains($0.address) }
        var names: [String] = []
        for entry in running where !names.contains(entry.interface) { names.append(entry.interface) }
        guard !names.isEmpty else {
            return Finding(
                .interfaces, "interfaces", listensOnNetwork ? .error : hasDistantPeers ? .warning : .notice,
                "no network interface with an address is up, only loopback",
                fix: listensOnNetwork || hasDistantPeers
                    ? Finding.Fix("plug the cable in, or join the wireless network", command: "ip -brief address") : nil
            )
        }
        let list = names.prefix(6).map { name in
            let addresses = running.filter { $0.interface == name }.prefix(3).map(\.address.description)
            return "\(name) \(addresses.joined(separator: " "))"
        }
        return Finding(.interfaces, "interfaces", .ok, list.joined(separator: "; "))
    }

    private var listensOnNetwork: Bool {
        peerHost == "::" || peerHost == "0.0.0.0" || announced.contains { !$0.isLoopback }
    }

    private var reachable: Finding {
        let places = announced.isEmpty ? "" : ": " + announced.prefix(4).map(\.description).joined(separator: ", ")
        if listensOnNetwork {
            guard !usable.isEmpty else {
                return Finding(.interfaces, "reachable", .skipped, "there is no network now")
            }
            return Finding(
                .interfaces, "reachable", .ok,
                announced.isEmpty ? "the peer port will be open to other machines" : "announced to peers\(places)")
        }
        guard hasDistantPeers else {
            return Finding(.interfaces, "reachable", .ok, "by this machine only, as nothing else is asked for\(places)")
        }
        guard !usable.isEmpty else {
            return Finding(.interfaces, "reachable", .skipped, "there is no network now")
        }
        guard isRunning else {
            let words =
                start == .bySetup
                ? "as it was set up: kith setup starts it so"
                : "by peers on other machines, if it is started with --lan"
            return Finding(.interfaces, "reachable", .skipped, words)
        }
        return Finding(
            .interfaces, "reachable", .warning,
            "the peer port is open to this machine only, and there are peers on others: they cannot reach this node",
            fix: Finding.Fix("let it listen on the network", command: start.command("--lan")))
    }
}

/// Whether nodes can be found by mDNS from here.
struct MulticastDiagnosis: Diagnosis {
    let check = CheckID.mdns
    let title = "mdns"

    /// Whether the settings ask for it.
    let isWanted: Bool
    /// Whether the running node is open to other machines, and so may have been told to ask for it by a flag.
    var isLikely = false
    /// What does not work according to the running node; `nil` when none runs.
    let problems: [String]?

    func run() async -> [Finding] {
        if let told = problems?.first(where: { $0.hasPrefix("mDNS") }) { return [Self.finding(told)] }
        guard isWanted || isLikely || problems?.isEmpty == false else {
            return [Finding(check, title, .skipped, "not asked for: --lan or --mdns on announces the node")]
        }
        let answer = await OffThread.run(limit: .milliseconds(2_500)) { MulticastTrial.run() }
        guard let answer else { return [Self.finding("mDNS is off: the daemon does not answer")] }
        guard let problem = answer else {
            return [Finding(check, title, .ok, "the daemon takes announcements and questions")]
        }
        return [Self.finding(problem)]
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
        // Pairing by code needs none, and paired machines tell each other where they are.
        return Finding(.mdns, "mdns", .notice, seen, fix: fix)
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
