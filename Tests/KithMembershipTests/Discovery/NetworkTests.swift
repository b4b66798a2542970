// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import KithTesting
import Synchronization
import Testing

@Suite("Addresses of this machine and others")
struct NetworkTests {
    @Test(
        "An address's range is told",
        arguments: [
            ("127.0.0.1", "loopback"), ("127.255.1.2", "loopback"), ("::1", "loopback"),
            ("::ffff:127.0.0.1", "loopback"),
            ("10.1.2.3", "private"), ("172.16.0.1", "private"), ("172.31.255.255", "private"), ("172.32.0.1", "public"),
            ("192.168.0.1", "private"), ("192.169.0.1", "public"), ("100.64.0.1", "private"), ("100.128.0.1", "public"),
            ("169.254.1.1", "private"), ("fe80::1", "private"), ("febf::1", "private"), ("fec0::1", "public"),
            ("fd12::1", "private"), ("fc00::1", "private"), ("fe00::1", "public"), ("2001:db8::1", "public"),
            ("8.8.8.8", "public"), ("::ffff:8.8.8.8", "public"), ("::ffff:10.0.0.1", "private"),
        ])
    func ranges(text: String, range: String) throws {
        let address = try #require(IPAddress(text))
        #expect((address.isLoopback ? "loopback" : address.isPrivate ? "private" : "public") == range)
    }

    @Test(
        "What is no address is none",
        arguments: ["", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4x", ":::", "g::1", "fe80::1%", "1.2.3.4%eth0"])
    func notAnAddress(text: String) { #expect(IPAddress(text) == nil) }

    @Test("Text and bytes say the same", arguments: ["192.168.1.2", "fd00::12:3", "fe80::1%eth0", "::1"])
    func roundTrip(text: String) { #expect(IPAddress(text)?.description == text) }

    @Test("No host is at these", arguments: ["0.0.0.0", "::", "224.0.0.251", "255.255.255.255", "ff02::fb", "0.1.2.3"])
    func notUnicast(text: String) throws { #expect(try !#require(IPAddress(text)).isUnicast) }

    private func entry(_ interface: String, _ address: String, isRunning: Bool = true) throws -> InterfaceAddress {
        InterfaceAddress(interface: interface, address: try #require(IPAddress(address)), isRunning: isRunning)
    }

    @Test(
        """
        Real networks go first, then overlays, then bridges of containers; one overlay is among the first four; what leads \
        nowhere is left out
        """
    )
    func order() throws {
        let usable = UsableAddresses.from([
            try entry("lo", "127.0.0.1"), try entry("lo", "::1"), try entry("docker0", "172.17.0.1"),
            try entry("br-0a1b", "172.18.0.1"), try entry("tailscale0", "100.64.0.9"),
            try entry("wlan0", "fe80::1%wlan0"),
            try entry("wlan0", "fd00::7"), try entry("wlan0", "169.254.3.4"), try entry("wlan0", "192.168.1.7"),
            try entry("eth1", "10.0.0.1", isRunning: false), try entry("eth0", "192.168.1.8"),
            try entry("eth2", "192.168.1.8"),
        ])
        #expect(
            usable.map(\.description) == [
                "192.168.1.7", "192.168.1.8", "fd00::7", "100.64.0.9", "169.254.3.4", "172.17.0.1", "172.18.0.1",
            ])
    }

    @Test("This machine's own interfaces are seen")
    func survey() { #expect(InterfaceWatch.survey().contains { $0.address.isLoopback }) }

    @Test("A change of addresses is told, and nothing else")
    func watch() async throws {
        let clock = ManualClock()
        let addresses = Mutex([try entry("eth0", "10.0.0.1")])
        let (changes, told) = AsyncStream.makeStream(of: [InterfaceAddress].self)
        let watch = InterfaceWatch(clock: clock) { addresses.withLock { $0 } }
        let run = Task { await watch.run { told.yield($0) } }
        func pass() async {
            while clock.sleeperCount == 0 { await Task.yield() }
            clock.advance(by: .seconds(2))
            while clock.sleeperCount == 0 { await Task.yield() }
        }
        await pass()
        let changed = [try entry("eth0", "10.0.0.2"), try entry("wlan0", "10.0.0.3")]
        addresses.withLock { $0 = changed }
        await pass()
        addresses.withLock { $0.reverse() }
        await pass()
        run.cancel()
        await run.value
        told.finish()
        var heard: [[InterfaceAddress]] = []
        for await change in changes { heard.append(change) }
        #expect(heard == [changed])
    }
}
