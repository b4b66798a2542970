// SPDX-License-Identifier: Apache-2.0

import KithAIOS
import KithMembership
import KithModel
import KithNode
import KithTesting
import Testing

@Suite("The seeds' hosts.yaml")
struct HostsYAMLTests {
    private static let whole = """
        network:
          discovery_ports: [8000, 8001, "3001"]
        hosts:
          AIOS:
            branch: AIOS-win-0
            hostname: aios
            ip: 192.168.0.10
            role: desktop
            type: cell
            consciousness_level: 3.26
            services:
              - {name: cell, port: 8000, type: http}
              - name: metrics
                port: 9091
                type: http
              - name: none
            mdns_names: [aios.local]
          HP_LAB:
            mdns_names:
              - hp.local
        discovery:
          probe_interval: 20
          connection_timeout: 1.5
        """

    @Test("What it says of hosts, ports and times is read; what is not used is left out without complaint")
    func read() throws {
        let file = try HostsFile(yaml: Self.whole)
        #expect(file.ports == [8000, 8001, 3001])
        #expect(
            file.hosts == [
                HostsFile.Host(
                    name: "AIOS", addresses: ["192.168.0.10", "aios.local", "aios"], ports: [8000, 9091],
                    branch: "AIOS-win-0", hostname: "aios"),
                HostsFile.Host(name: "HP_LAB", addresses: ["hp.local"]),
            ])
        #expect(file.interval == .seconds(20))
        #expect(file.timeout == .milliseconds(1_500))
        #expect(file.problems == [])
    }

    @Test("An empty file asks nobody", arguments: ["", "# nothing\n", "{}", "hosts: {}"])
    func empty(text: String) throws {
        let file = try HostsFile(yaml: text)
        #expect(file.targets(RegistryAddressRules()).targets.isEmpty)
        #expect(file.interval == .seconds(30))
        #expect(file.timeout == .seconds(3))
        #expect(file.problems == [])
    }

    @Test("What is no list of hosts is refused in words", arguments: ["- a\n- b", "hello", "hosts: [", "a: b: c"])
    func unreadable(text: String) {
        let problem = #expect(throws: HostsFile.Unreadable.self) { try HostsFile(yaml: text) }
        #expect(problem?.description.isEmpty == false)
    }

    @Test(
        "Single entries that cannot be used are left out and said to be",
        arguments: [
            "network: {discovery_ports: [8000, 0]}", "network: {discovery_ports: [99999999999999999999]}",
            "network: {discovery_ports: 8000}", "hosts: [a]", "hosts: {a: }", "hosts: {? [1] : {ip: 127.0.0.1}}",
            "hosts: {a: {services: [{port: http}]}}", "discovery: {probe_interval: 0}",
            "discovery: {probe_interval: 1e400}", "discovery: {connection_timeout: .inf}",
            "discovery: {connection_timeout: [1]}", "network: {discovery_ports: [1:60:99999999999999999999]}",
        ])
    func problems(text: String) throws { #expect(try HostsFile(yaml: text).problems.count == 1) }

    @Test("Nested and referring entries are read in bounded time")
    func hostile() throws {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: HostsFile.Unreadable.self) { try HostsFile(yaml: deep) }
        var bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
        for (last, next) in zip("abcdefgh", "bcdefghi") {
            bomb += "\(next): &\(next) [\((0..<9).map { _ in "*\(last)" }.joined(separator: ", "))]\n"
        }
        #expect(try HostsFile(yaml: bomb + "network: {discovery_ports: *i}").ports.isEmpty)
    }

    @Test("Spoilt files are read or refused without harm", arguments: 1...6 as ClosedRange<UInt64>)
    func fuzz(seed: UInt64) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            let bytes = Mutations.spoil(Array(Self.whole.utf8), using: &generator)
            guard let file = try? HostsFile(yaml: String(decoding: bytes, as: UTF8.self)) else { continue }
            #expect(file.targets(RegistryAddressRules()).targets.allSatisfy { (1...65_535).contains($0.address.port) })
            #expect(file.interval >= .seconds(5) && file.timeout > .zero)
        }
    }
}
