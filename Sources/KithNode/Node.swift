// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithAPI
import KithCulture
import KithInference
import KithMembership
package import KithMetrics
package import KithModel
import KithPeers
import KithServer
import KithStore
import KithSync
import KithTracing
import KithTransport
import KithTrust
package import Logging
import NIOCore
import ServiceLifecycle
import SystemPackage
import UnixSignals

/// One running node: everything it is made of, put together here and nowhere else.
package struct Node: Sendable {
    /// After a signal to stop, answers under way have this long to end.
    static let shutdownGrace = Duration.seconds(10)

    let settings: NodeSettings
    private let logger: Logger
    private let logs: LogRing
    private let clock: any TimeSource
    private let registry: MetricRegistry
    private let tools: NodeTools
    /// Reads all settings again; `nil` where they have no files.
    private let reread: (@Sendable () throws -> NodeSettings)?

    /// - Parameters:
    ///   - logs: What the logger writes, for the owner to read from afar.
    ///   - metrics: Where the node counts what it does.
    ///   - reread: Reads the settings again, for those that may change while the node runs.
    package init(
        settings: NodeSettings, logger: Logger, logs: LogRing = LogRing(), clock: any TimeSource = EventLoopClock(),
        metrics: MetricRegistry = MetricRegistry(), tools: NodeTools = NodeTools(),
        reread: (@Sendable () throws -> NodeSettings)? = nil
    ) {
        self.reread = reread
        registry = metrics
        self.tools = tools
        self.settings = settings
        self.logger = logger
        self.logs = logs
        self.clock = clock
    }

    /// Runs until SIGINT, SIGTERM or cancellation.
    ///
    /// - Parameter onListening: Called with the address once the node takes requests.
    /// - Throws: ``NodeStartError`` when the node cannot start.
    package func run(onListening: @escaping @Sendable (HTTPAddress) async -> Void = { _ in }) async throws {
        if let limit = OpenFiles.raiseLimit() {
            logger.debug("limit of open files raised", metadata: ["from": "\(limit.before)", "to": "\(limit.after)"])
        }
        // A first start that fails leaves nothing behind, least of all a key.
        if !DataFolder.holdsNode(settings.dataDirectory) { try await requireOpenPorts() }
        let folder = try DataFolder.claim(settings.dataDirectory)
        let (store, log) = try await folder.openState(logger: logger)
        do {
            try await serve(folder, store: store, log: log, onListening: onListening)
        } catch {
            // Closed as at an orderly end: the next start must not miss anything.
            do { try await store.close() } catch let failure {
                logger.warning("state not closed", metadata: ["reason": "\(failure)"])
            }
            throw error
        }
        withExtendedLifetime(folder) {}
    }

    private func serve(
        _ folder: borrowing DataFolder, store: Store, log: LogSnapshot,
        onListening: @escaping @Sendable (HTTPAddress) async -> Void
    ) async throws {
        let identity = try folder.openIdentity(store: store)
        let metrics = NodeMetrics(registry: registry, counts: settings.countsMetrics)
        let access = try await ClientAccess.open(
            settings: settings, store: store, identity: identity, clock: clock, keyRequests: metrics.keyRequests,
            logger: logger)
        defer { access.withdraw() }
        let upstream = UpstreamClient()
        let tracing = NodeTracing(
            settings: settings, identity: identity, upstream: upstream, clock: clock, logger: logger)
        let vault = try NodeVault.open(settings.vault, clock: clock, logger: logger)
        let factory = EngineFactory(
            settings: settings.engine, client: upstream, secrets: vault.secrets, clock: clock, logger: logger)
        let selection = await factory.select()
        let parts = selection.engines.compactMap { factory.make($0) }
        let stallLimit = StallLimit(
            ordinary: settings.routing.stallLimit, withTools: settings.routing.toolStallLimit)
        let seated = { @Sendable [clock, loadLimit = settings.engine.loadLimit] (engine: any ChatEngine) in
            LocalEngine(engine: engine, clock: clock, stallLimit: stallLimit, loadLimit: loadLimit)
        }
        let seat = EngineSeat(SeveralEngines.one(of: parts.map(\.engine)).map(seated))
        let monitor = EngineMonitor(seat: seat, reason: selection.reason, clock: clock)
        selection.skipped.warn(logger)
        note(selection)
        await monitor.refresh()
        let events = EventHub()
        let state = try await SharedStateStore.open(
            store: StoredLog(store), log: log, node: identity.id, events: events)
        let peers = try await NodeMesh.open(
            settings: settings, identity: identity, store: store, backup: folder.kinBackup(logger: logger),
            engine: monitor, seat: seat, state: state, tracer: tracing.tracer,
            audit: access.control.audit, clock: clock, logger: logger)
        let activity = UserActivity(threshold: settings.social.idleThreshold, clock: clock)
        let dispatcher = Dispatcher(
            mesh: peers.mesh.directory, clock: clock,
            router: Router(aliases: settings.routing.aliases, usesAffinity: settings.routing.usesAffinity),
            stallLimit: stallLimit, patience: settings.routing.patience, continues: settings.routing.continues,
            keepsStandby: settings.routing.keepsStandby, presence: activity, tracer: tracing.tracer, logger: logger)
        monitor.whenReturned { [weak dispatcher, directory = peers.mesh.directory] in
            dispatcher?.returned(identity.id)
            directory.noteOwnChange()
        }
        let company = try await NodeCompanion.open(
            settings: settings.social, store: store, state: state, mesh: peers.mesh, dispatcher: dispatcher,
            upstream: upstream, activity: activity,
            log: SynthLogFile(path: settings.stateDirectory + "/synth.log", logger: logger),
            clock: clock, logger: logger)
        metrics.follow(dispatcher.journal)
        metrics.follow(peers.mesh)
        metrics.follow(company.culture)
        metrics.follow(access.audit)
        var services = NodeServices(
            name: settings.name, version: KithVersion.text, dispatcher: dispatcher, mesh: peers.mesh.directory,
            engine: monitor, store: store, clock: clock,
            limits: SurfaceLimits(
                seedBody: settings.seedBodyLimit, openAIBody: settings.requestBodyLimit,
                uploadBody: settings.uploadBodyLimit, defaultMaxTokens: settings.defaultMaxTokens,
                heartbeat: settings.routing.heartbeat),
            level: { peers.mesh.level }, access: access.control, control: peers.mesh, state: state, events: events,
            vitals: NodeVitalsCollector(
                engine: monitor, mesh: peers.mesh.directory, state: state, dispatcher: dispatcher,
                folder: settings.stateDirectory, certificateEnds: { access.tls?.current.validity?.upperBound }),
            metrics: metrics, company: company, tools: tools,
            observation: Observation(tracer: tracing.tracer, logs: logs, peers: PeerObserver(mesh: peers.mesh)))
        let models = NodeModels(
            node: settings.name, seat: seat, status: monitor, folder: settings.engine.embedded.shelf,
            budget: settings.engine.diskBudget, clock: clock, logger: logger
        ) { [directory = peers.mesh.directory] in
            await monitor.refresh()
            directory.noteOwnChange()
        }
        let office = WeightsOffice(
            models: models, limit: settings.engine.copyLimit, clock: clock, isAnswering: { seat.isAnswering })
        let modelOrders = ModelOrders(
            models: models, weights: KinWeights(mesh: peers.mesh), office: office, audit: access.control.audit)
        let warmer = warmer(of: models, mesh: peers.mesh.directory, monitor)
        services.models = ModelFeature(orders: modelOrders, kin: KinModels(mesh: peers.mesh), warmer: warmer)
        let alerts = AlertService(
            node: identity.id, name: settings.name, settings: settings.alerts, source: services.vitals, state: state,
            events: events,
            channels: AlertChannels(
                settings.alerts, secrets: vault.secrets, speaker: (identity.id, settings.name), client: upstream,
                clock: clock, logger: logger),
            clock: clock, logger: logger)
        services.alerts = alerts

        let announcer = EventAnnouncer(services: services, mesh: peers.mesh)
        announcer.begin()

        let roles = await NodeRoles(
            services: services, settings: settings, peers: peers, vault: vault, access: access, upstream: upstream,
            logger: logger)
        let work = PeerWork(
            routes: roles.peerRoutes + [
                ObservationRoutes(tracer: tracing.tracer, logs: logs), ModelOrderRoutes(orders: modelOrders),
            ],
            sessions: StoredSessions(store: store, logger: logger),
            host: company.host,
            presence: activity)
        let meshServices = peers.services(
            upstream: upstream, work: work, gate: access.gate(.peers, limits: PeerListener.limits)
        ) { dispatcher.returned($0) }
        let programs = settings.engine.pauseWhile
        let look: (@Sendable () -> Set<String>)? =
            programs.isEmpty ? nil : { @Sendable in RunningPrograms.those(of: programs) }
        let background =
            access.background(clock: clock) + firewallServices(access.firewall) + meshServices.background
            + tracing.services + vault.services(watchesStatus: settings.roles.contains(.bridge)) + [
                BackgroundLoop { await monitor.run() },
                BackgroundLoop { await announcer.run() },
                BackgroundLoop { [pauses = services.pauses] in await pauses.run(look) },
                BackgroundLoop { [running = services.running] in await running.run() },
                BackgroundLoop { await company.run() },
            ] + sleepServices(mesh: peers.mesh, engine: monitor, activity: activity, models: models) + [
                BackgroundLoop { await alerts.run() },
                BackgroundLoop { await models.run() },
                BackgroundLoop { await warmer?.run() },
                BackgroundLoop { [clock, logger] in
                    await store.run(clock: clock) { logger.error("state not saved", metadata: ["reason": "\($0)"]) }
                },
            ]
        let listeners =
            [
                meshServices.listener,
                clientListener(services, access: access) { [settings] address in
                    if settings.roles.contains(.node) { peers.opened(forClients: address) }
                    await onListening(address)
                },
            ]
            + ollamaListeners(services, access: access) + roles.services
        let engine = EngineSearch(
            factory: factory, monitor: monitor, services: parts.flatMap(\.services),
            selection: selection, members: parts.map(\.engine), searches: settings.engine.looksAround,
            clock: clock, logger: logger, seated: seated,
            onFound: note)
        // Stopped from the last to the first: the listeners before the engine that their answers come from.
        let ending = AnswersEnding(
            answers: services.answers, mesh: peers.mesh.directory, clock: clock, logger: logger)
        try await runGroup(of: [engine, ending.ending] + background + listeners + [ending.beginning])
        try await store.close()
        await upstream.shutDown()
        await vault.shutDown()
    }

    private func note(_ selection: EngineSelection) {
        if settings.engine.looksAround {
            EngineMemory(stateDirectory: settings.stateDirectory, logger: logger).note(selection)
        }
        logger.info("engine chosen", metadata: ["engine": "\(selection.engine)", "reason": "\(selection.reason)"])
    }

    private func clientListener(
        _ services: NodeServices, access: ClientAccess, onListening: @escaping @Sendable (HTTPAddress) async -> Void
    ) -> any Service {
        // Without the role only the owner's commands are answered there; they find it by its file.
        let isOpen = settings.roles.contains(.node)
        let (host, port) = isOpen ? (settings.host, settings.port) : ("127.0.0.1", 0)
        var services = services
        if !isOpen { services.access.policy.requiresKey = true }
        let listener = NodeServer.listener(
            services: services, address: access.address(host: host, port: port), tls: access.tls,
            gate: access.gate(.clients), logger: logger
        ) { channel in
            let address = access.address(host: host, port: channel.localAddress?.port ?? port)
            access.announce(address)
            await onListening(address)
        }
        return Listener(application: listener, host: host, port: port, flag: "--port")
    }

    /// The port for programs made for Ollama: as the other one, but for a greeting by which some of them know it.
    ///
    /// A node whose port is taken does not start without it: those programs would then go on asking whoever has the port, and
    /// nobody would notice.
    private func ollamaListeners(_ services: NodeServices, access: ClientAccess) -> [any Service] {
        guard let port = settings.ollamaPort, settings.roles.contains(.node) else { return [] }
        let listener = NodeServer.listener(
            services: services, address: access.address(host: settings.host, port: port), tls: access.tls,
            gate: access.gate(.clients), greeting: "Ollama is running", logger: logger
        ) { [settings, logger] channel in
            let address = access.address(host: settings.host, port: channel.localAddress?.port ?? port)
            logger.info("listening for programs made for Ollama", metadata: ["address": "\(address)"])
        }
        return [
            Listener(
                application: listener, host: settings.host, port: port, flag: "--ollama-port",
                taken: OllamaPort.taken(port))
        ]
    }

    /// - Returns: `nil` where the owner does not wish it.
    private func warmer(of models: NodeModels, mesh: PeerDirectory, _ monitor: EngineMonitor) -> ModelWarmer? {
        guard settings.routing.loadsAhead else { return nil }
        let warmer = ModelWarmer(
            models: models, machine: mesh.machine, isPaused: { mesh.drainingSince != nil }, clock: clock, logger: logger
        )
        monitor.whenAnswered { [weak warmer] in warmer?.answered($0) }
        return warmer
    }

    private func sleepServices(
        mesh: PeerMesh, engine: any EngineStatusSource, activity: UserActivity, models: NodeModels
    ) -> [any Service] {
        guard let threshold = settings.sleep.whenIdle else { return [] }
        let sleep = IdleSleep(
            threshold: threshold, command: settings.sleep.command, mesh: mesh, engine: engine, activity: activity,
            models: models, clock: clock, logger: logger)
        return [BackgroundLoop { await sleep.run() }]
    }

    private func firewallServices(_ firewall: NodeFirewall) -> [any Service] {
        guard let reread else { return [] }
        let files = ["/config/kith.yaml", "/.env"].map { settings.dataDirectory + $0 }
        return [BackgroundLoop { [clock] in await firewall.follow(files, clock: clock) { try reread().firewall } }]
    }

    private func runGroup(of services: [any Service]) async throws {
        var configuration = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = Self.shutdownGrace
        do {
            try await ServiceGroup(configuration: configuration).run()
        } catch is CancellationError where !Task.isCancelled {
            // The time for a graceful stop was over: a stop all the same, and no failure.
            logger.notice("stopped before all connections had ended")
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

/// A listener whose failure to open says which one it was, and what to do.
struct Listener: Service {
    let application: any Service
    let host: String
    let port: Int
    /// The flag that chooses another port.
    let flag: String
    /// What to say of a port that is taken, in place of that.
    var taken: String?
    /// What listens elsewhere when the port is taken.
    var spare: (any Service)?

    func run() async throws {
        do {
            try await application.run()
        } catch let error as IOError {
            if let spare, error.errnoCode == Errno.addressInUse.rawValue { return try await spare.run() }
            throw Self.refusal(host: host, port: port, flag: flag, taken: taken, Errno(rawValue: error.errnoCode))
        }
    }

    /// - Parameters:
    ///   - flag: The flag that chooses another port.
    ///   - taken: What to say of a port that is taken, in place of that.
    static func refusal(host: String, port: Int, flag: String, taken: String? = nil, _ why: Errno) -> NodeStartError {
        let reason =
            switch why {
            case .addressInUse: taken ?? "the port is taken; choose another with \(flag)"
            case .addressNotAvailable: "this machine does not have that address"
            case .permissionDenied: "ports below 1024 need rights that this user does not have"
            default: "\(why)"
            }
        return NodeStartError(.portTaken, "cannot listen on \(host):\(port): \(reason)")
    }
}

/// Work that goes on until the node stops, and is cancelled then.
struct BackgroundLoop: Service {
    let work: @Sendable () async -> Void

    init(_ work: @escaping @Sendable () async -> Void) { self.work = work }

    func run() async throws {
        await cancelWhenGracefulShutdown { await work() }
        // Work that found nothing to do has ended; a service must not end before its group.
        try await gracefulShutdown()
    }
}
