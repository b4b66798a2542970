// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import Testing

@testable import KithDoctor

@Suite("This machine's network")
struct SurroundingFindingsTests {
    private func interfaces(
        _ addresses: [(String, String)], host: String, announced: [String] = [], hasDistantPeers: Bool = false
    ) throws -> [Finding] {
        let survey = try addresses.map { name, text in
            InterfaceAddress(interface: name, address: try #require(IPAddress(text)), isRunning: true)
        }
        return InterfaceFindings(
            survey: survey, peerHost: host, announced: announced.compactMap { PeerAddress($0) },
            hasDistantPeers: hasDistantPeers
        ).findings
    }

    @Test("Several interfaces are listed with their addresses")
    func several() throws {
        let found = try interfaces(
            [("lo", "127.0.0.1"), ("eth0", "192.168.7.2"), ("eth0", "fd00::2"), ("wlan0", "10.0.0.9")], host: "::")
        #expect(found.first?.seen == "eth0 192.168.7.2 fd00::2; wlan0 10.0.0.9")
        #expect(!found.contains { $0.isFault })
    }

    @Test("Only loopback is an error for a node on the network, and nothing for one that is not")
    func onlyLoopback() throws {
        #expect(try interfaces([("lo", "127.0.0.1")], host: "::").first?.severity == .error)
        #expect(try interfaces([("lo", "127.0.0.1")], host: "127.0.0.1").first?.severity == .notice)
        let reachable = try interfaces([("lo", "127.0.0.1")], host: "::", announced: ["127.0.0.1:7443"]).last
        #expect(reachable?.severity == .skipped, "nobody reaches a machine without a cable")
    }

    @Test("A node on loopback with peers on other machines cannot be reached by them")
    func hidden() throws {
        let found = try interfaces([("eth0", "192.168.7.2")], host: "127.0.0.1", hasDistantPeers: true)
        #expect(found.last?.severity == .warning)
        #expect(found.last?.fix?.command == "kith up --lan")
    }

    @Test("What a running node announces counts more than the settings")
    func announced() throws {
        let found = try interfaces(
            [("eth0", "192.168.7.2")], host: "127.0.0.1", announced: ["192.168.7.2:7443"], hasDistantPeers: true)
        #expect(found.last?.seen == "announced to peers: 192.168.7.2:7443")
    }

    @Test(
        "A problem of mDNS is split into what is wrong and the command that mends it",
        arguments: [
            (
                "mDNS is off: avahi-daemon is not running, or D-Bus is not (sudo systemctl start avahi-daemon)",
                "mDNS is off: avahi-daemon is not running, or D-Bus is not", "sudo systemctl start avahi-daemon"
            ),
            (
                "mDNS is off: libdns_sd.so.1 is not installed (Debian: libavahi-compat-libdnssd1, avahi-daemon)",
                "mDNS is off: libdns_sd.so.1 is not installed",
                "sudo apt-get install libavahi-compat-libdnssd1 avahi-daemon"
            ),
        ])
    func multicast(_ told: String, _ seen: String, _ command: String) {
        let finding = MulticastDiagnosis.finding(told)
        #expect(finding.seen == seen)
        #expect(finding.fix?.command == command)
    }

    @Test("mDNS that nobody asked for is not looked at")
    func noMulticast() async {
        let found = await MulticastDiagnosis(isWanted: false, problems: nil).run()
        #expect(found.map(\.severity) == [.skipped])
    }

    @Test("A host name that does not resolve is worth knowing, one that takes long a warning")
    func hostName() {
        #expect(HostNameDiagnosis.finding("vm", .failed("unknown", .zero)).severity == .notice)
        #expect(HostNameDiagnosis.finding("vm", .timedOut(.seconds(2))).severity == .warning)
    }
}
