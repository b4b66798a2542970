// SPDX-License-Identifier: Apache-2.0

import KithAIOS
import KithMembership
import KithModel
import Testing

@Suite("Hosts to be asked")
struct HostsFileTests {
    private static func host(_ name: String, _ addresses: String..., ports: [Int] = []) -> HostsFile.Host {
        HostsFile.Host(name: name, addresses: addresses, ports: ports)
    }

    private func places(_ file: HostsFile, _ rules: RegistryAddressRules = RegistryAddressRules()) -> [String] {
        file.targets(rules).targets.map { "\($0.address.host):\($0.address.port)" }
    }

    @Test("Every common port and every own port of a host is asked once, in the order of the file")
    func order() {
        let file = HostsFile(
            hosts: [Self.host("a", "10.0.0.1", ports: [9000, 8000]), Self.host("b", "b.local")], ports: [8000, 8001])
        #expect(places(file) == ["10.0.0.1:8000", "10.0.0.1:8001", "10.0.0.1:9000", "b.local:8000", "b.local:8001"])
    }

    @Test("A host outside the house is not asked unless that is allowed, and that is said")
    func outside() {
        let file = HostsFile(hosts: [Self.host("far", "8.8.8.8"), Self.host("near", "127.0.0.1")], ports: [8000])
        let (targets, problems) = file.targets(RegistryAddressRules())
        #expect(targets.map(\.address.host) == ["127.0.0.1"])
        #expect(problems.count == 1)
        #expect(problems.first?.contains("far") == true)
        #expect(places(file, RegistryAddressRules(allowed: ["8.8.8.8"])).count == 2)
    }

    @Test("A host is asked at its first address that can be used")
    func alternatives() {
        let file = HostsFile(hosts: [Self.host("a", "no address", "a.local"), Self.host("b")], ports: [8000])
        #expect(places(file) == ["a.local:8000"])
        #expect(file.targets(RegistryAddressRules()).problems.contains { $0.contains("b is not asked") })
    }

    @Test("No more ports are asked than is allowed")
    func bounded() {
        let hosts = (1...100).map { Self.host("h\($0)", "10.0.1.\($0)", ports: Array(2_000..<2_100)) }
        let (targets, problems) = HostsFile(hosts: hosts, ports: Array(1_000..<1_100)).targets(RegistryAddressRules())
        #expect(targets.count == HostsFile.maximumTargets)
        #expect(problems.count == 1)
    }
}
