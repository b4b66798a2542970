// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import Logging

extension NodeSettings {
    /// Makes settings from their sources: flags over environment over `.env` over YAML over defaults.
    ///
    /// - Throws: ``SettingProblem`` for the first misspelt name and the first value of the wrong type or out of range,
    ///   in whichever source it stands, also when another source goes before it.
    package init(_ sources: SettingSources) throws(SettingProblem) {
        let values = try SettingValues(sources)
        let dataDirectory = sources.dataDirectory
        let port = try values.required(.port, values.integer(.port))
        let access = try AccessSettings(values, sources: sources)
        self.init(
            name: try Self.name(values, port: port, hostName: sources.surroundings.hostName),
            host: try Self.host(values, access: access),
            port: port,
            dataDirectory: dataDirectory,
            engine: try EngineSettings(values, sources: sources),
            access: access,
            peer: try PeerSettings(values),
            roles: Set(values.text(.roles).map(SettingKind.entries)?.compactMap(NodeRole.init) ?? [.node]),
            cell: try CellSettings(values),
            bridge: try BridgeSettings(values),
            vault: VaultSettings(values, sources: sources),
            routing: try RoutingSettings(values),
            peersFile: try values.required(.peersFile, values.path(.peersFile, in: sources)),
            peerEndpoints: values.text(.peerEndpoints).map(PeersFile.init(list:)) ?? PeersFile(),
            social: try SocialSettings(values),
            level: try values.required(.level, values.number(.level)),
            requestBodyLimit: try values.required(.requestBodyLimit, values.integer(.requestBodyLimit)),
            seedBodyLimit: try values.required(.seedBodyLimit, values.integer(.seedBodyLimit)),
            logLevel: try values.required(.logLevel, values.text(.logLevel).flatMap(Logger.Level.init(rawValue:))),
            defaultMaxTokens: try values.required(.defaultMaxTokens, values.integer(.defaultMaxTokens)))
    }

    private static func name(
        _ values: SettingValues, port: Int, hostName: String
    ) throws(SettingProblem) -> NodeName {
        if let text = values.text(.name) { return try values.required(.name, NodeName(text)) }
        let allowed = hostName.unicodeScalars.filter { $0.isASCII }.map {
            NodeName(String($0)) == nil ? "-" : String($0)
        }
        let short = allowed.joined().drop { $0 == "-" }.prefix(48)
        return try values.required(.name, NodeName("\(short.isEmpty ? "node" : short)-\(port)"))
    }

    /// An address that other machines reach needs TLS; the key it needs too is looked for when the node starts.
    private static func host(
        _ values: SettingValues, access: AccessSettings
    ) throws(SettingProblem) -> String {
        let host = try values.required(.host, values.text(.host)).lowercased()
        guard isLoopback(host) || access.tls != .off else {
            throw values.refusal(.host, ReachRefusal.message(host: host, tlsFlag: "--tls"))
        }
        return host
    }
}

/// What is missing to listen where other machines reach the node.
enum ReachRefusal {
    /// - Parameter tlsFlag: what stands for TLS in the command that would work.
    static func message(host: String, tlsFlag: String) -> String {
        """
        "\(host)" can be reached from other machines: this needs TLS and a key. Run: kith key create --name NAME \
        --scope chat, then: kith up --host \(host) \(tlsFlag)
        """
    }
}

extension SettingValues {
    /// The absolute path a setting names: in files relative to the data folder, elsewhere to the current folder.
    func path(_ key: SettingKey, in sources: SettingSources) -> String? {
        guard let text = text(key) else { return nil }
        return sources.surroundings.absolute(text, base: base(of: key, in: sources))
    }

    private func base(of key: SettingKey, in sources: SettingSources) -> String {
        switch place(of: key) {
        case .flag, .environment: sources.surroundings.currentDirectory
        case .environmentFile, .yaml, .byDefault: sources.dataDirectory
        }
    }
}
