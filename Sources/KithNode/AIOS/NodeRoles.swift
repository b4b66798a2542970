// SPDX-License-Identifier: Apache-2.0

#if canImport(KithAIOS)
    import Hummingbird
    import KithAIOS
    import KithAPI
    import KithDialects
    import KithInference
    import KithMembership
    import KithMetrics
    import KithModel
    import KithPeers
    import KithStore
    import KithTransport
    import KithVault
    import Logging
    import NIOCore
    import ServiceLifecycle

    /// The roles in addition to that of a node: their parts, and their listeners.
    struct NodeRoles: Sendable {
        let settings: NodeSettings
        let cell: CellService
        /// `nil` unless the node has the role.
        private let registry: RegistryService?
        /// The services that ask hosts for the registry.
        private let hosts: [any Service]
        private let bridge: BridgeService?
        private let peers: NodeMesh
        private let access: ClientAccess
        private let clock: any TimeSource
        private let logger: Logger

        init(
            services: NodeServices, settings: NodeSettings, peers: NodeMesh, vault: NodeVault, access: ClientAccess,
            upstream: UpstreamClient, logger: Logger
        ) async {
            self.settings = settings
            self.peers = peers
            self.access = access
            self.logger = logger
            clock = services.clock
            let directory = services.mesh
            cell = CellService(
                profile: CellService.Profile(
                    cellID: settings.cell.id ?? settings.name.rawValue, branch: settings.cell.branch,
                    initialLevel: settings.level, node: peers.mesh.identity().id, name: settings.name),
                state: services.state, dispatcher: services.dispatcher, clock: clock,
                onCode: { [memory = services.company?.memory] in memory?.noteCode($0) }
            ) { id in directory.peers().first { $0.id == id }?.name.rawValue }

            if settings.roles.contains(.cell) {
                services.metrics.registry.collect { [cell] in cell.families }
            }
            if settings.roles.contains(.discovery) {
                let registry = RegistryService(
                    storage: StoredRegistry(store: services.store), clock: clock, logger: logger)
                await registry.restore()
                self.registry = registry
                hosts = NodeHosts.services(
                    dataDirectory: settings.dataDirectory, registry: registry, upstream: upstream, clock: clock,
                    logger: logger
                ) { peers.cell() }
            } else {
                registry = nil
                hosts = []
            }
            guard settings.roles.contains(.bridge) else {
                bridge = nil
                return
            }
            var known: (@Sendable () -> [CellInfo])?
            if let registry { known = { registry.cells() } }
            let kin: @Sendable () -> [KinCell] = { peers.mesh.kinCells() }
            let status: @Sendable () async -> VaultStatusBody = { await vault.status() }
            let parts = BridgeServices(
                addresses: settings.bridge.upstreams, kin: kin, client: upstream, local: cell, state: services.state,
                store: services.store, events: services.events, access: access.control, vault: status, registry: known,
                discovery: settings.peer.registries, clock: clock)
            let bridge = BridgeService(services: parts, logger: logger)
            services.vitals.ask { bridge.whyDegraded }
            services.bridge.set { bridge.report }
            self.bridge = bridge
        }

        /// The routes of this node as a cell, for kin; without the role they answer that it is missing.
        var peerRoutes: [any PeerRouteGroup] {
            [CellPeerRoutes(cell: settings.roles.contains(.cell) ? cell : nil)]
        }

        /// The services that run as long as the node does, and the listeners after them.
        var services: [any Service] {
            var services = hosts
            if let registry { services += [BackgroundLoop { await registry.run() }, listener(of: registry)] }
            if let bridge { services += [BackgroundLoop { await bridge.run() }, listener(of: bridge)] }
            if settings.roles.contains(.cell) { services.append(cellListener) }
            return services
        }

        private func address(port: Int) -> HTTPAddress { access.address(host: settings.host, port: port) }

        private func listener(of registry: RegistryService) -> any Service {
            let port = settings.peer.discoveryPort
            let listener = RegistryServer.listener(
                registry: registry,
                identity: RegistryIdentity(host: settings.name.rawValue) { [peers, id = settings.cell.id] in
                    var own = peers.cell()
                    own.cellID = id ?? own.cellID
                    return own
                },
                address: address(port: port), authorise: RegistryAccess.granted(by: access.control),
                reading: RegistryAccess.granted(by: access.control, to: [.peer, .read]), access: access.control,
                tls: access.tls, gate: access.gate(.discovery), counts: settings.countsMetrics, logger: logger,
                onListening: announce("discovery"))
            return Listener(application: listener, host: settings.host, port: port, flag: "--discovery-port")
        }

        private func listener(of bridge: BridgeService) -> any Service {
            let port = settings.bridge.port
            let listener = BridgeServer.listener(
                bridge: bridge, address: address(port: port), tls: access.tls, gate: access.gate(.bridge),
                counts: settings.countsMetrics,
                logger: logger, onListening: announce("bridge"))
            return Listener(application: listener, host: settings.host, port: port, flag: "--bridge-port")
        }

        private var cellListener: any Service {
            let port = settings.cell.port
            let listener = CellServer.listener(
                cell: cell, registry: registry, access: access.control, address: address(port: port), clock: clock,
                tls: access.tls, gate: access.gate(.cell), counts: settings.countsMetrics, logger: logger,
                onListening: announce("cell"))
            return Listener(application: listener, host: settings.host, port: port, flag: "--cell-port")
        }

        private func announce(_ role: String) -> @Sendable (any Channel) async -> Void {
            { [access, settings, logger] channel in
                let address = access.address(host: settings.host, port: channel.localAddress?.port ?? 0)
                logger.info("role listens", metadata: ["role": "\(role)", "address": "\(address)"])
            }
        }
    }

    /// Keeps the registry of the discovery role in the node's database.
    struct StoredRegistry: RegistryStorage {
        let store: Store

        func load() async throws -> [UInt8]? { try await store.registrySnapshot() }

        func save(_ bytes: [UInt8]) async throws { try await store.saveRegistrySnapshot(bytes) }
    }
#endif
