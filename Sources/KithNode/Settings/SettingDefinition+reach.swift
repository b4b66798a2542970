// SPDX-License-Identifier: Apache-2.0

extension SettingDefinition {
    /// Who is let in, and how what is said stays secret on the way.
    static let access: [SettingDefinition] = [
        SettingDefinition(
            .requireKey, .boolean, fallback: "off", flag: "--require-key", environment: "KITH_REQUIRE_KEY",
            help: "Whether programs on this machine need a key too. Others always do."),
        SettingDefinition(
            .allowedHosts, .hostList, flag: "--allowed-hosts", environment: "KITH_ALLOWED_HOSTS",
            help: "More names under which programs on this machine reach the node without a key, such as those of "
                + "`/etc/hosts`; `localhost` and loopback addresses always are."),
        SettingDefinition(
            .tlsMode, .choice(["off", "own"]), note: "`off`, or the files where they are set", flag: "--tls",
            environment: "KITH_TLS",
            help: "`own` speaks TLS with the node's own certificate, whose fingerprint is shown at the start. "
                + "The flag has no value and stands for `own`."),
        SettingDefinition(
            .tlsCertificate, .path, flag: "--tls-cert", environment: "KITH_TLS_CERT",
            help: "A PEM file with the certificate that clients are shown, and those that lead to its issuer. "
                + "Read again when it changes."),
        SettingDefinition(
            .tlsKey, .path, flag: "--tls-key", environment: "KITH_TLS_KEY",
            help: "A PEM file with that certificate's private key."),
    ]

    /// How nodes find and reach each other.
    static let peers: [SettingDefinition] = [
        SettingDefinition(
            .peerPort, .integer(0...65_535), fallback: "7443", flag: "--peer-port",
            help: "The port on which other nodes reach this one; 0 takes a free one."),
        SettingDefinition(
            .peerHost, .host, note: "`127.0.0.1`, or every address with `peer.lan`", flag: "--peer-host",
            help: "The address on which other nodes reach this one. Whoever has not been paired reaches nothing but "
                + "the pairing there."),
        SettingDefinition(
            .peerLAN, .boolean, fallback: "off", flag: "--lan", environment: "KITH_LAN",
            help: "Whether other machines can reach the peer port, and are told that the node is there."),
        SettingDefinition(
            .peerMDNS, .boolean, note: "as `peer.lan`", flag: "--mdns", environment: "KITH_MDNS",
            help: "Whether the node announces itself with mDNS on the networks it is in, and looks for others."),
        SettingDefinition(
            .peersFile, .path, fallback: "config/peers.txt",
            help:
                "The list of peers, one a line: `kith://host:port` for a node, `http://host:port` for a seed-style service."
        ),
        SettingDefinition(
            .peerEndpoints, .list, flag: "--peer", seedName: "PEER_ENDPOINTS", isSecret: true,
            help: "More peers, separated by commas, each of the form of a line of the peers file."),
        SettingDefinition(
            .discoveryPort, .integer(0...65_535), fallback: "8001", flag: "--discovery-port",
            seedName: "DISCOVERY_PORT",
            help: "The port of the role `discovery`; 0 takes a free one."),
        SettingDefinition(
            .registries, .addressList, flag: "--registry", environment: "KITH_REGISTRIES",
            seedName: "AIOS_DISCOVERY_ADDR",
            help: "Registries at which the node announces itself and looks for others, separated by commas."),
    ]

    /// How requests find their way.
    static let routing: [SettingDefinition] = [
        SettingDefinition(
            .routingAliases, .aliases, note: "`fast` and `code`",
            help: "Names that clients may ask for in place of a model's, and the models that each stands for: the one "
                + "that answers soonest is taken, on whichever node. In `kith.yaml` a mapping of names to lists. "
                + "`fast`, the fastest that is known, and `code`, a model whose name says that it is one for "
                + "programming, are there unless they are defined otherwise.")
    ]

    /// The roles that AIOS services have, and its vault.
    static let roles: [SettingDefinition] = [
        SettingDefinition(
            .cellPort, .integer(0...65_535), fallback: "8000", flag: "--cell-port",
            help: "The port of the role `cell`; 0 takes a free one."),
        SettingDefinition(
            .cellID, .nodeName, note: "the node's name", flag: "--cell-id", seedName: "AIOS_CELL_ID",
            help: "What the cell is called in its answers."),
        SettingDefinition(
            .cellBranch, .modelName, fallback: "main", seedName: "AIOS_BRANCH",
            help: "The branch that the cell says it works on."),
        SettingDefinition(
            .bridgePort, .integer(0...65_535), fallback: "3001", flag: "--bridge-port", seedName: "BRIDGE_PORT",
            help: "The port of the role `bridge`; 0 takes a free one."),
        SettingDefinition(
            .bridgeUpstreams, .addressList, note: "the cells of kin", flag: "--upstream",
            environment: "KITH_BRIDGE_UPSTREAMS", seedNames: ["AIOS_DESKTOP_CELL", "AIOS_CELL_ADDR"],
            help: "Cells for which the bridge stands, beside those of kin, separated by commas."),
        SettingDefinition(
            .vaultAddress, .address, flag: "--vault", seedNames: ["AIOS_VAULT_ADDR", "VAULT_ADDR"],
            help: "HashiCorp Vault: the bridge tells its status, and secret settings may stand there as "
                + "`vault:secret/data/kith#openai_key`."),
        SettingDefinition(
            .vaultToken, .token(minimumLength: 1), seedName: "VAULT_TOKEN", isSecret: true,
            help: "The token for Vault."),
        SettingDefinition(
            .vaultRoleID, .token(minimumLength: 1), seedName: "VAULT_ROLE_ID",
            help: "Who this node is to Vault's AppRole method, in place of a token."),
        SettingDefinition(
            .vaultSecretID, .token(minimumLength: 1), seedName: "VAULT_SECRET_ID", isSecret: true,
            help: "What proves it."),
        SettingDefinition(
            .vaultCertificate, .path, seedName: "VAULT_CACERT",
            help: "A PEM file with the certificate that Vault's is vouched for by, where the system's roots do not."),
    ]
}
