// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithModel
@testable import KithServer
import KithTesting
import Logging
import Synchronization
import Testing
@testable import KithNode

@Suite("Rules about addresses")
struct FirewallTests {
    private func settings(yaml: String) throws -> NodeSettings {
        try NodeSettings(NodeSettingsTests.sources(flags: [:], environment: [:], yaml: yaml))
    }

    private func range(_ text: String) throws -> AddressRange { try #require(AddressRange(text)) }

    @Test("Each listener has its rules, and a role's those of the node's port where it has none of its own")
    func doors() throws {
        let firewall = try settings(
            yaml: """
                server: {allow: [10.0.0.0/8, "2001:db8::/32"], deny: 10.6.6.0/24, trusted_proxies: 127.0.0.1}
                peer: {deny: 203.0.113.0/24}
                bridge: {allow: 192.168.0.0/16}
                """
        ).firewall
        let general = AddressRules(
            allowed: [try range("10.0.0.0/8"), try range("2001:db8::/32")], denied: [try range("10.6.6.0/24")])
        #expect(firewall.trustedProxies == [try range("127.0.0.1")])
        #expect(firewall.rules(of: .clients) == general)
        #expect(firewall.rules(of: .cell) == general && firewall.rules(of: .discovery) == general)
        #expect(firewall.rules(of: .bridge) == AddressRules(allowed: [try range("192.168.0.0/16")]))
        #expect(firewall.rules(of: .peers) == AddressRules(denied: [try range("203.0.113.0/24")]))
        #expect(try settings(yaml: "").firewall.rules(of: .clients) == .none)
    }

    @Test("What is no range is refused by name", arguments: ["10.0.0.7/8", "everyone", "10.0.0.0/33"])
    func mistakes(text: String) throws {
        let error = #expect(throws: SettingError.self) { try settings(yaml: "server: {deny: \"\(text)\"}") }
        #expect(error?.description.contains("server.deny") == true)
    }

    @Test("A changed file changes the rules of listeners that are open, and one with a mistake changes nothing")
    func reload() async throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/kith.yaml"
        try Data().write(to: URL(filePath: file))
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let firewall = NodeFirewall(FirewallSettings(), logger: logger)
        let gate = firewall.gate(.clients, places: 16, audit: SilentTrail())
        let far = try RequestSource(address: range("203.0.113.9"), passage: .byNamedProxy)
        #expect(gate.admits(far))
        let said = Mutex<FirewallSettings?>(nil)
        let clock = ManualClock()
        let work = Task {
            await firewall.follow([file], clock: clock) {
                guard let settings = said.withLock({ $0 }) else { throw ControlFileError("a mistake") }
                return settings
            }
        }
        func change(_ text: String) async throws {
            #expect(await eventually { clock.sleeperCount == 1 })
            try Data(text.utf8).write(to: URL(filePath: file))
            for _ in 0..<3 {
                clock.advance(by: NodeFirewall.pause * 2)
                #expect(await eventually { clock.sleeperCount == 1 })
            }
        }
        try await change("a mistake")
        #expect(gate.admits(far))
        let denied = FirewallSettings(rules: [.clients: AddressRules(denied: [try range("203.0.113.0/24")])])
        said.withLock { $0 = denied }
        try await change("now it is right")
        #expect(!gate.admits(far))
        work.cancel()
        await work.value
    }
}

private struct SilentTrail: AuditTrail {
    func record(_ kind: AuditRecord.Kind, subject: String?, source: String?, reason: String) {}
}
