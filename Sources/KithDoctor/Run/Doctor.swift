// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithMembership
package import KithModel
package import KithNode
import KithTransport

/// Looks at a node and what is around it, or at services of the seeds by their URLs, and says what is wrong and how to
/// fix it. Changes nothing.
package struct Doctor: Sendable {
    /// For all diagnoses together; what is not found out by then is reported as such.
    package static let limit = Duration.seconds(20)

    private let clock: any TimeSource

    package init(clock: any TimeSource = MonotonicClock()) { self.clock = clock }

    /// Examines the node whose settings these are, whether it runs or not.
    ///
    /// - Parameter start: What starts the node, where that mends something.
    /// - Throws: `SettingError` when not even the defaults can be used here.
    package func examine(
        flags: [SettingKey: String], environment: [String: String], start command: StartCommand
    ) async throws(SettingError) -> DoctorReport {
        let start = clock.now
        var node = try await CollectedEvidence.gather(flags: flags, environment: environment)
        node.start = command
        let client = UpstreamClient()
        let plan = NodePlan(node: node, client: client, clock: clock)
        let sections = await DiagnosisRun(limit: Self.limit - (clock.now - start), clock: clock).run(plan.chapters)
        await client.shutDown()
        return DoctorReport(
            subject: DoctorReport.Subject(
                name: node.name, dataDirectory: node.folder, isRunning: node.isRunning, version: KithVersion.text),
            sections: sections, duration: clock.now - start)
    }

    /// Examines services of the seeds; no node is needed here or there.
    ///
    /// - Parameter key: Sent to each of them.
    package func examine(_ services: [HTTPAddress], key: Secret?) async -> DoctorReport {
        let start = clock.now
        let client = UpstreamClient()
        let chapters = services.map { url in
            let diagnosis = EndpointDiagnosis(url, key: key, severity: .error, client: client, clock: clock)
            return DiagnosisRun.Chapter(diagnosis.title, [diagnosis])
        }
        let sections = await DiagnosisRun(limit: Self.limit, clock: clock).run(chapters)
        await client.shutDown()
        return DoctorReport(
            subject: DoctorReport.Subject(version: KithVersion.text), sections: sections, duration: clock.now - start)
    }
}

/// Which diagnoses make sense for a node, by what is known of it.
struct NodePlan: Sendable {
    /// Most peers and services that are looked at.
    static let peerLimit = 64

    let node: CollectedEvidence
    let client: UpstreamClient
    let clock: any TimeSource

    var chapters: [DiagnosisRun.Chapter] {
        [
            DiagnosisRun.Chapter("Settings and files", files),
            DiagnosisRun.Chapter("This machine", hasSettings ? machine : [withoutSettings(.port, "ports")]),
            DiagnosisRun.Chapter(
                "Engine", hasSettings || node.status != nil ? engine : [withoutSettings(.engine, "engine")]),
            DiagnosisRun.Chapter("Peers", PeerPlan(node: node, clock: clock).diagnoses),
            DiagnosisRun.Chapter("Services", hasSettings ? services : []),
            DiagnosisRun.Chapter("Shared state", shared),
        ]
    }

    private var settings: NodeSettings { node.settings }
    private var hasSettings: Bool { node.settingProblem == nil }

    private func withoutSettings(_ check: CheckID, _ title: String) -> any Diagnosis {
        KnownFindings(check, title, [Finding(check, title, .skipped, "depends on the settings, which cannot be read")])
    }

    // MARK: Settings and files

    private var files: [any Diagnosis] {
        var files: [any Diagnosis] = [
            KnownFindings(.settings, "settings", [SettingsFindings.settings(node)]),
            KnownFindings(.peersFile, "peers file", SettingsFindings.peersFile(node)),
            FolderDiagnosis(folder: node.folder, isHeld: node.isHeld),
            KnownFindings(.database, "database", [StateFindings.database(node)]),
            KnownFindings(.identity, "identity", [StateFindings.identity(node)]),
        ]
        if let finding = SettingsFindings.missingKey(node) { files.append(KnownFindings(.settings, "keys", [finding])) }
        if case .files(let certificate, let key) = settings.access.tls {
            files.append(CertificateDiagnosis(certificate: certificate, key: key, now: .now()))
        }
        if let finding = StateFindings.node(node) { files.append(KnownFindings(.node, "node", [finding])) }
        return files
    }

    // MARK: This machine

    private var machine: [any Diagnosis] {
        ports + [
            KnownFindings(
                .interfaces, "interfaces",
                InterfaceFindings(
                    survey: InterfaceWatch.survey(), peerHost: settings.peer.host, announced: node.own?.addresses ?? [],
                    hasDistantPeers: PeerPlan(node: node, clock: clock).hasDistantPeers, isRunning: node.isRunning,
                    start: node.start
                ).findings),
            HostNameDiagnosis(name: ProcessEnvironment.current().hostName, clock: clock),
            MulticastDiagnosis(
                isWanted: settings.peer.usesMDNS, isLikely: node.isOpen, problems: node.nearby?.problems),
        ]
    }

    private var ports: [any Diagnosis] {
        guard node.isHeld else { return places.map { PortDiagnosis(place: $0, start: node.start) } }
        var open: [any Diagnosis] = []
        if let address = node.access?.address {
            open.append(
                OpenPortDiagnosis(
                    name: "clients", host: address.host, port: address.port, start: node.start, clock: clock))
        }
        if let peer = node.own?.addresses.first {
            open.append(
                OpenPortDiagnosis(name: "peers", host: peer.host, port: peer.port, start: node.start, clock: clock))
        }
        return open
    }

    private var places: [ListenerPlace] {
        let peer = settings.peer
        return [
            ListenerPlace(
                name: "clients", host: settings.host, port: settings.port, flag: "--port",
                givesWay: node.start == .bySetup && settings.port == NodeSettings.usualPort ? .setup : nil),
            ListenerPlace(
                name: "peers", host: peer.host, port: peer.port, flag: "--peer-port",
                givesWay: peer.isPortChosen ? nil : .node),
        ]
            + roles.map { role in
                ListenerPlace(name: role.service.listenerName, host: settings.host, port: role.port, flag: role.flag)
            }
    }

    /// The roles with a listener of their own.
    private var roles: [(role: NodeRole, port: Int, flag: String, service: SeedService)] {
        [
            (role: .cell, port: settings.cell.port, flag: "--cell-port", service: .cell),
            (role: .bridge, port: settings.bridge.port, flag: "--bridge-port", service: .bridge),
            (role: .discovery, port: settings.peer.discoveryPort, flag: "--discovery-port", service: .discovery),
        ].filter { settings.roles.contains($0.role) }
    }

    // MARK: Engine

    private var engine: [any Diagnosis] {
        guard let status = node.status, let access = node.access else {
            guard !node.isHeld else {
                return [
                    KnownFindings(
                        .engine, "engine",
                        [Finding(.engine, "engine", .skipped, "the node that has it does not answer")])
                ]
            }
            let hasKin = PeerPlan(node: node, clock: clock).hasKin
            return [EngineTrial(settings: node.engine, hasKin: hasKin, client: client, clock: clock)]
        }
        let found = EngineFindings(status: status, settings: settings.engine)
        let known = KnownFindings(.engine, "engine", found.findings)
        guard found.isReady, let kind = status.engine.kind else { return [known] }
        return [
            known,
            GenerationDiagnosis(access: access, node: status.node, kind: kind, settings: settings.engine, clock: clock),
        ]
    }

    // MARK: Services

    private var services: [any Diagnosis] {
        let own = ownRoles
        let peers = node.peersFile.peers.prefix(Self.peerLimit).map {
            endpoint($0.address, .synthMind, key: $0.key)
        }
        let cells = settings.bridge.upstreams.prefix(Self.peerLimit).map { endpoint($0, .cell) }
        let registries = settings.peer.registries.prefix(Self.peerLimit).map { endpoint($0, .discovery) }
        let vault = settings.vault.address.map {
            [VaultDiagnosis(address: $0, certificate: settings.vault.certificate, clock: clock)] as [any Diagnosis]
        }
        return own + peers + cells + registries + (vault ?? [])
    }

    private func endpoint(_ address: HTTPAddress, _ service: SeedService, key: Secret? = nil) -> any Diagnosis {
        EndpointDiagnosis(
            address, expected: service, key: address.keepsSecrets ? key : nil, severity: .warning, client: client,
            clock: clock)
    }

    /// The roles of the running node, asked as their clients ask them.
    private var ownRoles: [any Diagnosis] {
        guard let access = node.access, node.status != nil else { return [] }
        return roles.filter { $0.port > 0 }.map { role in
            let address = HTTPAddress(scheme: access.address.scheme, host: access.address.host, port: role.port)
            return access.diagnosis(of: address, as: role.service, start: node.start, clock: clock)
        }
    }

    // MARK: Shared state

    private var shared: [any Diagnosis] {
        guard let access = node.access, node.status != nil else { return [] }
        return [SyncDiagnosis(access: access)]
    }
}
