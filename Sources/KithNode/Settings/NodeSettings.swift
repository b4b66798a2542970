// SPDX-License-Identifier: Apache-2.0

package import KithMembership
package import KithModel
package import KithTransport
package import Logging

/// The settings that a node starts with.
package struct NodeSettings: Sendable {
    package var name: NodeName
    package var host: String
    /// 0 stands for any free port.
    package var port: Int
    /// Where clients are answered too, as programs expect it of Ollama; 0 stands for any free port.
    package var ollamaPort: Int?
    /// Absolute; holds `config`, `.env` and `state`.
    package var dataDirectory: String
    package var engine: EngineSettings
    package var access: AccessSettings
    package var firewall = FirewallSettings()
    package var sleep = SleepSettings()
    package var peer: PeerSettings
    package var roles: Set<NodeRole>
    package var cell: CellSettings
    package var bridge: BridgeSettings
    package var vault: VaultSettings
    package var routing: RoutingSettings
    /// Absolute; the file need not exist.
    package var peersFile: String
    /// The peers named by flags, environment, `.env` and YAML, without those of ``peersFile``.
    package var peerEndpoints: PeersFile
    package var social: SocialSettings
    package var alerts: AlertSettings
    /// 0…10.
    package var level: Double
    /// Bytes.
    package var requestBodyLimit: Int
    /// Bytes; for the seeds' routes.
    package var seedBodyLimit: Int
    /// Bytes of a request body with sound or pictures.
    package var uploadBodyLimit: Int
    package var logLevel: Logger.Level
    package var logFormat: LogFormat
    /// Where standard error goes; `nil` leaves it as it is.
    package var logFile: String?
    package var tracing: TracingSettings
    package var audit: AuditSettings
    package var defaultMaxTokens: Int
    /// Whether what the node does is counted for monitors.
    package var countsMetrics: Bool

    package init(
        name: NodeName, host: String = "127.0.0.1", port: Int = 8080, ollamaPort: Int? = nil, dataDirectory: String,
        engine: EngineSettings,
        access: AccessSettings = AccessSettings(), peer: PeerSettings = PeerSettings(), roles: Set<NodeRole> = [.node],
        cell: CellSettings = CellSettings(), bridge: BridgeSettings = BridgeSettings(),
        vault: VaultSettings = VaultSettings(), routing: RoutingSettings = RoutingSettings(),
        peersFile: String, peerEndpoints: PeersFile = PeersFile(),
        social: SocialSettings = SocialSettings(), alerts: AlertSettings = AlertSettings(), level: Double = 1,
        requestBodyLimit: Int = 4_194_304,
        seedBodyLimit: Int = 1_048_576, uploadBodyLimit: Int = 33_554_432,
        logLevel: Logger.Level = .info, logFormat: LogFormat = .text, logFile: String? = nil,
        tracing: TracingSettings = TracingSettings(),
        audit: AuditSettings = AuditSettings(),
        defaultMaxTokens: Int = 2048, countsMetrics: Bool = true
    ) {
        self.name = name
        self.host = host
        self.port = port
        self.ollamaPort = ollamaPort
        self.dataDirectory = dataDirectory
        self.engine = engine
        self.access = access
        self.peer = peer
        self.roles = roles
        self.cell = cell
        self.bridge = bridge
        self.vault = vault
        self.routing = routing
        self.peersFile = peersFile
        self.peerEndpoints = peerEndpoints
        self.social = social
        self.alerts = alerts
        self.level = level
        self.requestBodyLimit = requestBodyLimit
        self.seedBodyLimit = seedBodyLimit
        self.uploadBodyLimit = uploadBodyLimit
        self.logLevel = logLevel
        self.logFormat = logFormat
        self.logFile = logFile
        self.tracing = tracing
        self.audit = audit
        self.defaultMaxTokens = defaultMaxTokens
        self.countsMetrics = countsMetrics
    }

    /// Whether only this machine reaches the listeners of clients.
    package var isOnLoopback: Bool { Self.isLoopback(host) }

    package static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.first == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    package var stateDirectory: String { dataDirectory + "/state" }
}

extension NodeSettings {
    /// Makes settings from their sources: flags over environment over `.env` over YAML over defaults.
    ///
    /// - Throws: ``SettingError`` for the first misspelt name and the first value of the wrong type or out of range,
    ///   in whichever source it stands, even if another source overrides it.
    package init(_ sources: SettingSources) throws(SettingError) {
        let values = try SettingValues(sources)
        let dataDirectory = sources.dataDirectory
        let port = try values.required(.port, values.integer(.port))
        let access = try AccessSettings(values, sources: sources)
        let host = try Self.host(values, access: access)
        let engine = try EngineSettings(values, sources: sources)
        let named = values.text(.roles).map(SettingKind.entries)?.compactMap(NodeRole.init)
        let roles = Set(named ?? [.node])
        self.init(
            name: try Self.name(values, port: port, hostName: sources.surroundings.hostName),
            host: host,
            port: port,
            ollamaPort: try Self.ollamaPort(values, engine: engine, host: host),
            dataDirectory: dataDirectory,
            engine: engine,
            access: access,
            peer: try PeerSettings(values),
            roles: roles,
            cell: try CellSettings(values, roles: roles),
            bridge: try BridgeSettings(values),
            vault: VaultSettings(values, sources: sources),
            routing: try RoutingSettings(values),
            peersFile: try values.required(.peersFile, values.path(.peersFile, in: sources)),
            peerEndpoints: values.text(.peerEndpoints).map(PeersFile.init(list:)) ?? PeersFile(),
            social: try SocialSettings(values),
            alerts: try AlertSettings(values),
            level: try values.required(.level, values.number(.level)),
            requestBodyLimit: try values.required(.requestBodyLimit, values.integer(.requestBodyLimit)),
            seedBodyLimit: try values.required(.seedBodyLimit, values.integer(.seedBodyLimit)),
            uploadBodyLimit: try values.required(.uploadBodyLimit, values.integer(.uploadBodyLimit)),
            logLevel: try values.required(.logLevel, values.text(.logLevel).flatMap(Logger.Level.init(rawValue:))),
            logFormat: try values.required(.logFormat, values.text(.logFormat).flatMap(LogFormat.init(rawValue:))),
            logFile: values.path(.logFile, in: sources),
            tracing: try TracingSettings(values),
            audit: AuditSettings(values, sources: sources),
            defaultMaxTokens: try values.required(.defaultMaxTokens, values.integer(.defaultMaxTokens)),
            countsMetrics: try values.required(.metrics, values.boolean(.metrics)))
        firewall = FirewallSettings(values)
        sleep = try SleepSettings(values)
    }

    package static let usualPort = 8080

    private static func name(
        _ values: SettingValues, port: Int, hostName: String
    ) throws(SettingError) -> NodeName {
        if let text = values.text(.name) { return try values.required(.name, NodeName(text)) }
        let allowed = hostName.unicodeScalars.filter { $0.isASCII }.map {
            NodeName(String($0)) == nil ? "-" : String($0)
        }
        let short = allowed.joined().drop { $0 == "-" }.prefix(48)
        let host = short.isEmpty ? "node" : String(short)
        // Most machines have one node, on the usual port, which people call as they call the machine.
        return try values.required(.name, NodeName(port == usualPort ? host : "\(host)-\(port)"))
    }

    /// A node whose engine is said to be the Ollama on that port would ask itself.
    private static func ollamaPort(
        _ values: SettingValues, engine: EngineSettings, host: String
    ) throws(SettingError) -> Int? {
        guard let port = values.integer(.ollamaPort) else { return nil }
        let ollama = engine.ollama.address
        if engine.choice == .fixed(.ollama), port == ollama.port, isLoopback(ollama.host) || ollama.host == host {
            throw values.refusal(.ollamaPort, OllamaPort.taken(port))
        }
        return port
    }

    /// An address that other machines reach needs TLS; the key it needs too is looked for when the node starts.
    private static func host(
        _ values: SettingValues, access: AccessSettings
    ) throws(SettingError) -> String {
        let host = try values.required(.host, values.text(.host)).lowercased()
        guard isLoopback(host) || access.tls != .off else {
            throw values.refusal(.host, ReachRefusal.withoutTLS(host))
        }
        return host
    }
}

/// What to do about the port on which Ollama listens itself.
enum OllamaPort {
    static func taken(_ port: Int) -> String {
        let other = port == 65_535 ? port - 1 : port + 1
        return """
            Ollama itself has that port, or something else; to give it to this node, move Ollama with: \
            OLLAMA_HOST=127.0.0.1:\(other) ollama serve, and tell this node where it is with \
            KITH_ENGINE_OLLAMA_BASE_URL=http://127.0.0.1:\(other); or choose another port with --ollama-port
            """
    }
}

/// What is missing to listen where other machines reach the node.
enum ReachRefusal {
    static func withoutTLS(_ host: String) -> String {
        """
        "\(host)" can be reached from other machines: this needs TLS and a key. Run: kith key create --name NAME \
        --scope chat, then: kith up --host \(host) --tls, or in config/kith.yaml, for kith setup: tls: {mode: own}
        """
    }

    /// - Parameter folder: The node's.
    static func withoutKey(_ host: String, folder: String) -> String {
        """
        "\(host)" can be reached from other machines, and nobody has a key yet (none was made, or all have expired or been \
        revoked). Make one, then start it again: kith key create --data-dir \(folder) --name NAME --scope chat
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

/// The settings of the commands that ask a node.
package struct ClientSettings: Sendable {
    package var node: HTTPAddress
    /// Whether a flag or the environment names the node; else it is the default one.
    package var isNamed: Bool
    package var key: Secret?
    package var pin: CertificatePin?

    /// - Throws: ``SettingError`` when the address, the key or the fingerprint is not valid.
    package init(url: String?, environment: [String: String]) throws(SettingError) {
        let names = Set(SettingDefinition.client.flatMap(\.environmentNames))
        let own = environment.filter { names.contains($0.key) }
        let surroundings = ProcessEnvironment(currentDirectory: "/", homeDirectory: "/", hostName: "")
        let values = try SettingValues(
            SettingSources(
                flags: url.map { [.nodeURL: $0] } ?? [:], environment: own, surroundings: surroundings))
        node = try values.required(.nodeURL, values.text(.nodeURL).flatMap(HTTPAddress.init))
        isNamed = values.isSet(.nodeURL)
        key = values.secret(.nodeKey)
        pin = values.text(.nodeFingerprint).flatMap(CertificatePin.init(fingerprint:))
    }
}
