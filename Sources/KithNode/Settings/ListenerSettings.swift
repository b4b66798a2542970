// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import KithServer

/// Which clients the listeners admit, and how connections are encrypted.
package struct AccessSettings: Hashable, Sendable {
    /// Where the certificate that clients are shown comes from.
    package enum TLS: Hashable, Sendable {
        case off
        /// The certificate by which other nodes know this one.
        case own
        /// PEM files; the paths are absolute.
        case files(certificate: String, key: String)
    }

    /// Whether programs on this machine need a key too.
    package var requiresKey: Bool
    /// Names for this machine in addition to `localhost`.
    package var allowedHosts: [String]
    /// Origins of web pages that may use the node; `*` for all that show a key.
    package var allowedOrigins: [String]
    package var tls: TLS
    /// What holds for callers whatever their keys say.
    package var rates: CallerLimits.Rates

    package init(
        requiresKey: Bool = false, allowedHosts: [String] = [], allowedOrigins: [String] = [], tls: TLS = .off,
        rates: CallerLimits.Rates = CallerLimits.Rates(generate: RequestRate(60, per: .minute))
    ) {
        self.rates = rates
        self.requiresKey = requiresKey
        self.allowedHosts = allowedHosts
        self.allowedOrigins = allowedOrigins
        self.tls = tls
    }
}

extension AccessSettings {
    init(_ values: SettingValues, sources: SettingSources) throws(SettingError) {
        self.init(
            requiresKey: try values.required(.requireKey, values.boolean(.requireKey)),
            allowedHosts: values.text(.allowedHosts).map(SettingKind.entries) ?? [],
            allowedOrigins: values.text(.allowedOrigins).map(SettingKind.entries) ?? [],
            tls: try Self.tls(values, sources: sources),
            rates: CallerLimits.Rates(
                generate: values.text(.generateRate).flatMap { RequestRate($0) },
                address: values.text(.addressRate).flatMap { RequestRate($0) }))
    }

    private static func tls(_ values: SettingValues, sources: SettingSources) throws(SettingError) -> TLS {
        let mode = values.text(.tlsMode)
        if mode == "off" { return .off }
        let certificate = values.path(.tlsCertificate, in: sources)
        let key = values.path(.tlsKey, in: sources)
        switch (certificate, key) {
        case (nil, nil): return mode == nil ? .off : .own
        case (let certificate?, let key?):
            guard mode == nil else {
                throw values.refusal(.tlsMode, "it cannot be \"own\" with tls.certificate; take one of the two away")
            }
            return .files(certificate: certificate, key: key)
        case (_?, nil):
            throw values.refusal(.tlsCertificate, "its private key is missing; set tls.key (--tls-key) too")
        case (nil, _?):
            throw values.refusal(.tlsKey, "its certificate is missing; set tls.certificate (--tls-cert) too")
        }
    }
}

/// How nodes find and reach each other.
package struct PeerSettings: Hashable, Sendable {
    /// Where the peer port listens; `::` stands for every address of both families.
    package var host: String
    /// 0 stands for any free port.
    package var port: Int
    /// Whether a setting asks for that port.
    package var isPortChosen: Bool
    /// Whether the node announces itself with mDNS and looks for others.
    package var usesMDNS: Bool
    /// 0 stands for any free port.
    package var discoveryPort: Int
    package var registries: [HTTPAddress]

    package init(
        host: String = "127.0.0.1", port: Int = PeerAddress.defaultPort, isPortChosen: Bool = false,
        usesMDNS: Bool = false,
        discoveryPort: Int = 8001, registries: [HTTPAddress] = []
    ) {
        self.host = host
        self.port = port
        self.isPortChosen = isPortChosen
        self.usesMDNS = usesMDNS
        self.discoveryPort = discoveryPort
        self.registries = registries
    }
}

extension PeerSettings {
    init(_ values: SettingValues) throws(SettingError) {
        let isOnLAN = try values.required(.peerLAN, values.boolean(.peerLAN))
        self.init(
            host: values.text(.peerHost)?.lowercased() ?? (isOnLAN ? "::" : "127.0.0.1"),
            port: try values.required(.peerPort, values.integer(.peerPort)), isPortChosen: values.isSet(.peerPort),
            usesMDNS: values.boolean(.peerMDNS) ?? isOnLAN,
            discoveryPort: try values.required(.discoveryPort, values.integer(.discoveryPort)),
            registries: values.addresses(.registries))
    }
}

/// A listener that a node may open, or what it may keep for others.
package enum NodeRole: String, Sendable, CaseIterable {
    /// Answers clients.
    case node
    /// Answers as an AIOS cell does.
    case cell
    /// Stands for cells elsewhere, as AIOS's bridge does, and also works without them.
    case bridge
    /// Keeps a registry for AIOS cells.
    case discovery
}

/// The role `cell`.
package struct CellSettings: Hashable, Sendable {
    /// 0 stands for any free port.
    package var port: Int
    /// `cell_id` in answers; `nil` stands for the node's name.
    package var id: String?
    package var branch: String

    package init(port: Int = 8000, id: String? = nil, branch: String = "main") {
        self.port = port
        self.id = id
        self.branch = branch
    }

    init(_ values: SettingValues, roles: Set<NodeRole>) throws(SettingError) {
        // AIOS starts a cell with PORT. Beside other roles it is the node's own, as synth-mind has it.
        let isCellAlone = roles == [.cell] && !values.isSet(.cellPort) && values.place(of: .port).isNamed("PORT")
        let port: SettingKey = isCellAlone ? .port : .cellPort
        self.init(
            port: try values.required(port, values.integer(port)), id: values.text(.cellID),
            branch: try values.required(.cellBranch, values.text(.cellBranch)))
    }
}

/// The role `bridge`.
package struct BridgeSettings: Hashable, Sendable {
    /// 0 stands for any free port.
    package var port: Int
    /// Cells in addition to those of kin.
    package var upstreams: [HTTPAddress]

    package init(port: Int = 3001, upstreams: [HTTPAddress] = []) {
        self.port = port
        self.upstreams = upstreams
    }

    init(_ values: SettingValues) throws(SettingError) {
        self.init(
            port: try values.required(.bridgePort, values.integer(.bridgePort)),
            upstreams: values.addresses(.bridgeUpstreams))
    }
}

/// Where HashiCorp Vault is, and this node's credential for it.
package struct VaultSettings: Hashable, Sendable {
    package var address: HTTPAddress?
    /// More of them, which are asked for their status and for nothing else.
    package var others: [HTTPAddress]
    package var token: Secret?
    package var roleID: String?
    package var secretID: Secret?
    /// Absolute; a PEM file.
    package var certificate: String?

    package init(
        address: HTTPAddress? = nil, others: [HTTPAddress] = [], token: Secret? = nil, roleID: String? = nil,
        secretID: Secret? = nil, certificate: String? = nil
    ) {
        self.address = address
        self.others = others
        self.token = token
        self.roleID = roleID
        self.secretID = secretID
        self.certificate = certificate
    }

    init(_ values: SettingValues, sources: SettingSources) {
        let addresses = values.addresses(.vaultAddress)
        self.init(
            address: addresses.first, others: Array(addresses.dropFirst()),
            token: values.text(.vaultToken).map { Secret($0) }, roleID: values.text(.vaultRoleID),
            secretID: values.text(.vaultSecretID).map { Secret($0) },
            certificate: values.path(.vaultCertificate, in: sources))
    }
}
