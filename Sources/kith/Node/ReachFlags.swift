// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithNode

/// Who reaches a node, and how. The values are checked with the other settings.
struct ReachFlags: ParsableArguments {
    @Flag(help: "Speak TLS with the node's own certificate.")
    var tls = false

    @Option(
        help: ArgumentHelp("The certificate that clients are shown, in PEM form.", valueName: "path"),
        completion: .file())
    var tlsCert: String?

    @Option(help: ArgumentHelp("Its private key, in PEM form.", valueName: "path"), completion: .file())
    var tlsKey: String?

    @Flag(help: "Ask programs on this machine for a key too.")
    var requireKey = false

    @Option(
        help: ArgumentHelp("More names under which programs on this machine reach the node.", valueName: "names"))
    var allowedHosts: String?

    @Flag(help: "Let other machines reach the peer port, and announce the node to them.")
    var lan = false

    @Option(help: ArgumentHelp("Announce the node with mDNS and look for others: on or off.", valueName: "on|off"))
    var mdns: String?

    @Option(help: ArgumentHelp("The address on which other nodes reach this one.", valueName: "address"))
    var peerHost: String?

    @Option(help: ArgumentHelp("The port on which other nodes reach this one; 0 takes a free one.", valueName: "port"))
    var peerPort: String?

    @Option(
        help: ArgumentHelp(
            "The listeners to open: node, cell, bridge, discovery, or several with commas.", valueName: "roles"))
    var role: String?

    @Option(help: ArgumentHelp("The port of the role cell; 0 takes a free one.", valueName: "port"))
    var cellPort: String?

    @Option(help: ArgumentHelp("What the cell is called in its answers.", valueName: "name"))
    var cellID: String?

    @Option(help: ArgumentHelp("The port of the role bridge; 0 takes a free one.", valueName: "port"))
    var bridgePort: String?

    @Option(help: ArgumentHelp("A cell for which the bridge stands. May be repeated.", valueName: "url"))
    var upstream: [String] = []

    @Option(help: ArgumentHelp("HashiCorp Vault.", valueName: "url"))
    var vault: String?

    @Option(help: ArgumentHelp("The port of the role discovery; 0 takes a free one.", valueName: "port"))
    var discoveryPort: String?

    @Option(help: ArgumentHelp("A registry to announce the node at. May be repeated.", valueName: "url"))
    var registry: [String] = []

    var settings: [SettingKey: String] {
        let given: [(SettingKey, String?)] = [
            (.tlsMode, tls ? "own" : nil), (.tlsCertificate, tlsCert), (.tlsKey, tlsKey),
            (.requireKey, requireKey ? "on" : nil), (.allowedHosts, allowedHosts), (.peerLAN, lan ? "on" : nil),
            (.peerMDNS, mdns), (.peerHost, peerHost), (.peerPort, peerPort), (.roles, role),
            (.discoveryPort, discoveryPort), (.cellPort, cellPort), (.cellID, cellID), (.bridgePort, bridgePort),
            (.bridgeUpstreams, upstream.isEmpty ? nil : upstream.joined(separator: ",")), (.vaultAddress, vault),
            (.registries, registry.isEmpty ? nil : registry.joined(separator: ",")),
        ]
        return Dictionary(
            given.compactMap { key, text in text.map { (key, $0) } }, uniquingKeysWith: { first, _ in first })
    }
}
