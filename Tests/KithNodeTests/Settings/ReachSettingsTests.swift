// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithNode
import Testing

@Suite("Settings of reach")
struct ReachSettingsTests {
    private func settings(
        _ flags: [SettingKey: String] = [:], environment: [String: String] = [:], yaml: String? = nil
    ) throws -> NodeSettings {
        try NodeSettings(NodeSettingsTests.sources(flags: flags, environment: environment, yaml: yaml))
    }

    @Test("Without any setting nothing is reachable from elsewhere and nobody needs a key")
    func defaults() throws {
        let settings = try settings()
        #expect(settings.isOnLoopback)
        #expect(settings.access == AccessSettings(requiresKey: false, allowedHosts: [], tls: .off))
        #expect(settings.peer == PeerSettings(host: "127.0.0.1", port: 7443, usesMDNS: false))
        #expect(settings.peer.discoveryPort == 8001)
        #expect(settings.peer.registries == [])
        #expect(settings.roles == [.node])
    }

    @Test("With lan the peer port is open on every address and announced; each can be said otherwise")
    func lan() throws {
        #expect(try settings([.peerLAN: "on"]).peer == PeerSettings(host: "::", usesMDNS: true))
        #expect(try settings(environment: ["KITH_LAN": "1", "KITH_MDNS": "off"]).peer.usesMDNS == false)
        #expect(try settings([.peerLAN: "yes", .peerHost: "192.0.2.7"]).peer.host == "192.0.2.7")
        #expect(try settings([.peerMDNS: "on"]).peer == PeerSettings(host: "127.0.0.1", usesMDNS: true))
    }

    @Test("TLS comes from files, or from the node itself; `off` goes before files")
    func tls() throws {
        #expect(try settings(environment: ["KITH_TLS": "own"]).access.tls == .own)
        let files = try settings(environment: ["KITH_TLS_CERT": "c.pem", "KITH_TLS_KEY": "/k.pem"])
        #expect(files.access.tls == .files(certificate: "/srv/c.pem", key: "/k.pem"))
        let off = try settings(environment: ["KITH_TLS": "off", "KITH_TLS_CERT": "c.pem", "KITH_TLS_KEY": "k.pem"])
        #expect(off.access.tls == .off)
    }

    @Test("Lists are read with and without blanks, in files too")
    func lists() throws {
        let yaml =
            "server:\n  allowed_hosts: desk.lan, Attic.lan\n  allowed_origins: https://App.example, *\nroles: node, discovery\npeer:\n  lan: true\n  port: 0\n"
        let settings = try settings(
            environment: ["AIOS_DISCOVERY_ADDR": "http://127.0.0.1:8001, http://laptop.local:8001"], yaml: yaml)
        #expect(settings.access.allowedHosts == ["desk.lan", "attic.lan"])
        #expect(settings.access.allowedOrigins == ["https://app.example", "*"])
        #expect(settings.roles == [.node, .discovery])
        #expect(settings.peer.port == 0)
        #expect(settings.peer.usesMDNS)
        #expect(settings.peer.registries.map(\.host) == ["127.0.0.1", "laptop.local"])
    }

    @Test("PORT is the port of a cell that is all there is, and else the node's")
    func portOfACell() throws {
        let port = ["PORT": "8002"]
        #expect(try settings([.roles: "cell"], environment: port).cell.port == 8002)
        let own = port.merging(["KITH_CELL_PORT": "8003"]) { $1 }
        #expect(try settings([.roles: "cell"], environment: own).cell.port == 8003)
        let both = try settings([.roles: "node,cell"], environment: port)
        #expect(both.cell.port == 8000 && both.port == 8002)
        #expect(try settings([.roles: "cell"], environment: ["KITH_PORT": "8002"]).cell.port == 8000)
        #expect(try settings([.roles: "cell"]).cell.port == 8000)
    }

    @Test("Addresses of AIOS's services may stand without a scheme, but not without a port")
    func withoutScheme() throws {
        let settings = try settings(environment: [
            "AIOS_DISCOVERY_ADDR": "aios-discovery:8001, https://laptop.local", "AIOS_CELL_ADDR": "[fd00::7]:8000",
        ])
        #expect(settings.peer.registries.map(\.description) == ["http://aios-discovery:8001", "https://laptop.local"])
        #expect(settings.bridge.upstreams.map(\.description) == ["http://[fd00::7]:8000"])
        for text in ["desk", ":8001", "[fd00::7]", "ftp://desk:8001", "desk:port", "desk:8001,attic", "http:/desk:80"] {
            #expect(throws: SettingError.self, "\(text)") { try self.settings([.registries: text]) }
        }
    }
}
