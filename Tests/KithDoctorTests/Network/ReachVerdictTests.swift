// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import Testing

@testable import KithDoctor

@Suite("What the steps to another machine mean")
struct ReachVerdictTests {
    private func findings(
        _ connection: ConnectionTrial?, ping: PingTrial? = .answered(.milliseconds(1)), host: String = "192.168.7.2",
        lookup: NameLookup? = nil, platform: ReachVerdict.Platform = .linux
    ) throws -> [Finding] {
        let address = try #require(IPAddress("192.168.7.2"))
        let reach = Reach(
            host: host, port: 7443, lookup: lookup ?? .found([address], .zero), address: address, ping: ping,
            connection: connection)
        return ReachVerdict(
            reach: reach, who: "laptop", severity: .warning, startIt: Finding.Fix("start it"), platform: platform
        ).findings(of: "laptop")
    }

    @Test(
        "An open port is well, also where ping is not answered or not allowed",
        arguments: [PingTrial.silent, .notPermitted, .answered(.zero)])
    func open(_ ping: PingTrial) throws {
        let found = try findings(.open(.milliseconds(2)), ping: ping)
        #expect(!found.contains { $0.severity > .ok })
        #expect(found.last?.check == .connect)
    }

    @Test("A refusal means that the machine is there and the program is not")
    func refused() throws {
        let last = try #require(try findings(.refused(.zero)).last)
        #expect(last.severity == .warning)
        #expect(
            last.seen == "192.168.7.2:7443 refuses connections: the machine is there, and nothing listens on that port")
        #expect(last.fix?.sentence == "start it")
    }

    @Test("Silence with ping is a firewall, silence without it a machine that is off or dropped packets")
    func silence() throws {
        let firewall = try #require(try findings(.timedOut(.seconds(2))).last)
        #expect(firewall.seen.contains("a firewall is in the way"))
        #expect(firewall.fix?.command == "sudo ufw allow 7443/tcp")
        let off = try #require(try findings(.timedOut(.seconds(2)), ping: .silent).last)
        #expect(off.seen.contains("does not answer at all within 2 s"))
    }

    @Test("No route to the local network is explained on macOS as what it usually is")
    func localNetwork() throws {
        let mac = try #require(try findings(.noRoute("EHOSTUNREACH"), platform: .macOS).last)
        #expect(mac.fix?.sentence.contains("Local Network") == true)
        let linux = try #require(try findings(.noRoute("EHOSTUNREACH"), platform: .linux).last)
        #expect(linux.fix?.command == "ip route")
    }

    @Test("A name that does not resolve ends it there")
    func unknownName() throws {
        let found = try findings(nil, ping: nil, host: "laptp", lookup: .failed("Name or service not known", .zero))
        #expect(found.map(\.check) == [.dns])
        #expect(found.first?.severity == .warning)
    }

    @Test("A slow resolver is a warning beside what else was found")
    func slowName() throws {
        let address = try #require(IPAddress("192.168.7.2"))
        let found = try findings(
            .open(.zero), host: "laptop.example", lookup: .found([address], .milliseconds(1_800)))
        #expect(found.first?.check == .dns)
        #expect(found.first?.severity == .warning)
        #expect(found.last?.severity == .ok)
    }

    @Test("An address in figures says nothing of names")
    func figures() throws {
        #expect(try !findings(.open(.zero)).contains { $0.check == .dns })
    }
}

@Suite("Finding ways, on this machine's loopback", .timeLimit(.minutes(1)))
struct ReachTests {
    @Test("A name that no resolver can know is not found")
    func badName() async {
        // A label has at most 63 bytes (RFC 1035, section 2.3.4), so nobody is asked.
        let reach = await Reach.run(String(repeating: "n", count: 64), port: 80, clock: MonotonicClock())
        guard case .failed = reach.lookup else {
            Issue.record("\(reach.lookup)")
            return
        }
        #expect(reach.connection == nil)
    }

    @Test("A port on which nobody listens refuses")
    func refused() async throws {
        let reach = await Reach.run("127.0.0.1", port: 1, clock: MonotonicClock())
        guard case .refused? = reach.connection else {
            Issue.record("\(String(describing: reach.connection))")
            return
        }
    }
}
