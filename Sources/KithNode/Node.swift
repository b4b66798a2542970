// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithHTTP
import KithInference
import KithMembership
package import KithModel
import KithStore
import KithTransport
package import Logging
import NIOCore
import SystemPackage
import ServiceLifecycle
import UnixSignals

/// One running node: everything it is made of, put together here and nowhere else.
package struct Node: Sendable {
    /// After a signal to stop, answers under way have this long to end.
    static let shutdownGrace = Duration.seconds(5)

    private let settings: NodeSettings
    private let logger: Logger
    private let clock: any TimeSource

    package init(settings: NodeSettings, logger: Logger, clock: any TimeSource = MonotonicClock()) {
        self.settings = settings
        self.logger = logger
        self.clock = clock
    }

    /// Runs until SIGINT, SIGTERM or cancellation.
    ///
    /// - Parameter onListening: Told of the address when the node takes requests.
    /// - Throws: ``NodeStartError`` when the node cannot start.
    package func run(onListening: @escaping @Sendable (HTTPAddress) async -> Void = { _ in }) async throws {
        let folder = try DataFolder.claim(settings.dataDirectory)
        let store = try folder.openStore()
        let identity = try folder.openIdentity(store: store)
        let access = try await ClientAccess.open(
            settings: settings, store: store, identity: identity, clock: clock, logger: logger)
        defer { access.withdraw() }
        let upstream = UpstreamClient()
        let factory = EngineFactory(settings: settings.engine, client: upstream, clock: clock, logger: logger)
        let selection = await factory.select()
        let made = factory.make(selection)
        let local = made.map { LocalEngine(engine: $0.engine, clock: clock) }
        let monitor = EngineMonitor(local: local, reason: selection.reason, clock: clock)
        let mesh = PeerDirectory(
            ownName: settings.name, level: settings.level, engine: monitor, localEngine: local,
            endpoints: try knownPeers(), meshKey: settings.meshKey, upstream: upstream, clock: clock, logger: logger)
        let dispatcher = Dispatcher(mesh: mesh, clock: clock)
        let services = NodeServices(
            name: settings.name, version: KithVersion.text, dispatcher: dispatcher, mesh: mesh, engine: monitor,
            store: store, clock: clock,
            limits: SurfaceLimits(
                seedBody: settings.seedBodyLimit, openAIBody: settings.requestBodyLimit,
                defaultMaxTokens: settings.defaultMaxTokens),
            meshKey: settings.meshKey, level: settings.level, access: access.control)
        logger.info("engine chosen", metadata: ["engine": "\(selection.engine)", "reason": "\(selection.reason)"])
        await monitor.refresh()

        let listener = NodeServer.application(
            services: services, localEngine: local,
            address: access.address(host: settings.host, port: settings.port), tls: access.tls, logger: logger
        ) { channel in
            let address = access.address(host: settings.host, port: channel.localAddress?.port ?? settings.port)
            access.announce(address)
            await onListening(address)
        }
        let background: [any Service] =
            access.background(clock: clock) + [
                BackgroundLoop { await monitor.run() },
                BackgroundLoop { await mesh.run { dispatcher.returned($0) } },
                BackgroundLoop { [clock, logger] in
                    await store.run(clock: clock) { logger.error("state not saved", metadata: ["reason": "\($0)"]) }
                },
            ]
        // Stopped from the last to the first: the listener before the engine that its answers come from.
        try await runGroup(of: (made?.services ?? []) + background + [listener])
        try await store.close()
        await upstream.shutDown()
        withExtendedLifetime(folder) {}
    }

    private func runGroup(of services: [any Service]) async throws {
        var configuration = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = Self.shutdownGrace
        do {
            try await ServiceGroup(configuration: configuration).run()
        } catch let error as IOError {
            let why =
                Errno(rawValue: error.errnoCode) == .addressInUse
                ? "the port is taken; choose another with --port" : "\(error)"
            throw NodeStartError(.portTaken, "cannot listen on \(settings.host):\(settings.port): \(why)")
        }
    }

    private func knownPeers() throws -> [PeerEndpoint] {
        let peers = try settings.loadPeers()
        for problem in peers.problems { logger.warning("peer not used", metadata: ["problem": "\(problem)"]) }
        let kin = peers.peers.filter { $0.tier == .kin && $0.key == nil && $0.address.keepsSecrets }
        if settings.meshKey == nil, let first = kin.first {
            logger.warning(
                "kin will refuse this node: it has no mesh key; set KITH_MESH_KEY to the same value on every node",
                metadata: ["peer": "\(first.address)"])
        }
        return peers.peers.filter { peer in
            guard peer.tier == .kin, !peer.address.keepsSecrets else { return true }
            logger.warning(
                "kin not used: prompts and the mesh key would cross the network in the clear; use https or an SSH tunnel",
                metadata: ["peer": "\(peer.address)"])
            return false
        }
    }
}

/// Why a node did not start, or stopped at once.
package struct NodeStartError: Error, CustomStringConvertible {
    package enum Code: String, Sendable {
        case dataFolder
        case folderInUse
        case portTaken
        /// The node's own key cannot be used.
        case identity
        /// The certificate for clients cannot be used.
        case certificate
        /// Other machines would reach the node, and nobody has a key.
        case keyMissing
    }

    package var code: Code
    package var message: String
    package var cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var description: String { message + (cause.map { ": \($0)" } ?? "") }
}
