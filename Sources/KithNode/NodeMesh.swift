// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithInference
import KithMembership
import KithModel
import KithPeers
import KithServer
import KithStore
import KithSync
import KithTracing
import KithTransport
import KithTrust
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization
import SystemPackage
import UnixSignals

/// This node's part in the mesh: the peer port, and all the ways in which others are found.
struct NodeMesh: Sendable {
    let mesh: PeerMesh
    let settings: NodeSettings
    private let host: String
    let port: OpenedPort
    private let clients: OpenedAddress
    private let machine: MachineWatch
    let clock: any TimeSource
    private let logger: Logger

    static func open(
        settings: NodeSettings, identity: NodeIdentity, store: Store, backup: KinBackupFile,
        engine: any EngineStatusSource, seat: EngineSeat, state: SharedStateStore, tracer: NodeTracer,
        audit: any AuditTrail, clock: any TimeSource, logger: Logger
    ) async throws -> NodeMesh {
        let place = await TrialPort.forPeers(settings.peer)
        let port = OpenedPort(wanted: place.port)
        let host = place.host
        let clients = OpenedAddress()
        let machine = MachineWatch(sparedBelow: settings.routing.sparesBatteryBelow, clock: clock)
        let level: @Sendable () -> Double = { state.level(of: .node(identity.id))?.level ?? settings.level }
        let profile = PeerMesh.Profile(
            name: settings.name, version: KithVersion.text, level: level,
            isCell: settings.roles.contains(.cell), clientAddress: { clients.current },
            machine: { machine.facts },
            generateLimit: 3 * settings.requestBodyLimit,
            passLimit: settings.uploadBodyLimit + (64 << 10), wake: settings.sleep.wake
        ) { OwnAddresses.list(host: host, port: port.current) }
        let mesh = try PeerMesh(
            profile: profile, identity: identity,
            trust: try await TrustStore.open(identity: identity, store: store, backup: backup),
            engine: engine, seat: seat, state: state, tracer: tracer, clock: clock, audit: audit,
            logger: logger)
        mesh.directory.setPlain(settings.peerEndpoints.peers)
        for problem in settings.peerEndpoints.problems {
            logger.warning("problem in the list of peers", metadata: ["problem": "\(problem)"])
        }
        return NodeMesh(
            mesh: mesh, settings: settings, host: host, port: port, clients: clients, machine: machine, clock: clock,
            logger: logger)
    }

    /// Clients reach this node there from now on; kin are told.
    func opened(forClients address: HTTPAddress) {
        clients.set(address)
        mesh.directory.noteOwnChange()
    }

    /// The listener, and the services that run as long as the node does.
    func services(
        upstream: UpstreamClient, work: PeerWork, gate: ConnectionGate, onReturn: @escaping @Sendable (NodeID) -> Void
    ) -> (background: [any Service], listener: any Service) {
        let background: [any Service] = [
            BackgroundLoop { [mesh] in await mesh.run(onReturn: onReturn) },
            BackgroundLoop { [self] in
                guard let port = await port.wait() else { return }
                mesh.addressesChanged()
                let isLoopback = NodeSettings.isLoopback("\(host)")
                if isLoopback, mesh.trust.peers().contains(where: { $0.addresses.contains { !$0.isLoopback } }) {
                    logger.warning(
                        "paired machines cannot reach this node, which listens for its own machine only; --lan opens it",
                        metadata: ["port": "\(port)"])
                } else if isLoopback {
                    logger.info(
                        "only this machine can reach this node; --lan opens it to others", metadata: ["port": "\(port)"]
                    )
                } else {
                    logger.info("peers can reach this node", metadata: ["port": "\(port)", "host": "\(host)"])
                }
                await mesh.discover(ways(port: port, upstream: upstream))
            },
            BackgroundLoop { [mesh] in
                // Sent by deploy/systemd/kith-sleep, because systemd reports sleep in no simpler way.
                for await signal in await UnixSignalsSequence(trapping: .sigusr1, .sigusr2) {
                    if signal == .sigusr1 { await mesh.fallAsleep() } else { mesh.wakeUp() }
                }
            },
            BackgroundLoop { [mesh, machine] in await machine.run { mesh.directory.noteOwnChange() } },
            BackgroundLoop { [mesh, clock] in
                await InterfaceWatch(clock: clock).run { _ in mesh.networkChanged() }
            },
        ]
        return (background, listener(port: port.current, work: work, gate: gate))
    }

    /// Several nodes that start at once find the usual port free, and one of them gets it: the others take any.
    private func listener(port wanted: Int, work: PeerWork, gate: ConnectionGate) -> Listener {
        let listener = mesh.listener(host: host, port: wanted, work: work, gate: gate) { [port] channel in
            port.set(channel.localAddress?.port ?? port.current)
        }
        let isFixed = settings.peer.isPortChosen || wanted == 0
        return Listener(
            application: listener, host: host, port: wanted, flag: "--peer-port",
            spare: isFixed ? nil : self.listener(port: 0, work: work, gate: gate))
    }

    private func ways(port: Int, upstream: UpstreamClient) -> [any Discovery] {
        var ways: [any Discovery] = [
            RememberedAddresses { [mesh] in
                AsyncStream { stream in
                    stream.yield(mesh.trust.peers())
                    stream.finish()
                }
            },
            EnvironmentDiscovery(settings.peerEndpoints),
            PeersFileDiscovery(path: settings.peersFile, clock: clock) { [mesh, settings, logger] file in
                for problem in file.problems {
                    logger.warning("problem in the peers file", metadata: ["problem": "\(problem)"])
                }
                var all = settings.peerEndpoints
                all.merge(file)
                mesh.directory.setPlain(all.peers)
            },
        ]
        if settings.peer.usesMDNS {
            ways.append(
                MulticastDiscovery(
                    id: mesh.identity().id, name: settings.name, port: port, version: KithVersion.text,
                    protocolVersion: ProtocolVersions.supported.highest, clock: clock))
        }
        ways += registries(upstream: upstream)
        return ways
    }
}

/// Where a node would listen.
struct TrialPort: Sendable {
    var host: String
    /// 0 stands for any free port.
    var port: Int

    /// Where the node listens for peers.
    ///
    /// A second node on one machine should start without a setting: when the usual port is taken and no setting asks
    /// for it, any free one is used. A machine without IPv6 listens on IPv4.
    static func forPeers(_ settings: PeerSettings) async -> TrialPort {
        var place = TrialPort(host: settings.host, port: settings.port)
        var why = await place.obstacle()
        if place.host == "::", why == .addressFamilyNotSupported || why == .addressNotAvailable {
            place.host = "0.0.0.0"
            why = await place.obstacle()
        }
        if why == .addressInUse, !settings.isPortChosen { place.port = 0 }
        return place
    }

    /// Why the node cannot listen there, as far as a trial tells; the listener itself gives the full message.
    func obstacle() async -> Errno? {
        do {
            // Nobody is let in: whoever came at this moment would wait for an answer for ever.
            let trial = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .serverChannelOption(.autoRead, value: false)
                .bind(host: host, port: port).get()
            try await trial.close()
            return nil
        } catch let error as IOError {
            return Errno(rawValue: error.errnoCode)
        } catch is SocketAddressError.UnknownHost {
            // glibc knows no IPv6 address, not even this one, where no interface but loopback has one (getaddrinfo, AI_ADDRCONFIG).
            return .addressFamilyNotSupported
        } catch {
            return nil
        }
    }
}

/// The port that a listener got, for code that needs it before or after the listener is open.
final class OpenedPort: Sendable {
    private let wanted: Int
    private let port = Mutex<Int?>(nil)
    private let opened: AsyncStream<Int>
    private let source: AsyncStream<Int>.Continuation

    /// - Parameter wanted: What the settings say; 0 stands for any free port.
    init(wanted: Int) {
        self.wanted = wanted
        (opened, source) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// The port, or the one that is wanted while the listener is not open.
    var current: Int { port.withLock { $0 ?? wanted } }

    func set(_ port: Int) {
        self.port.withLock { $0 = port }
        source.yield(port)
    }

    /// Waits until the listener is open. For one task only.
    ///
    /// - Returns: `nil` when the task was cancelled before.
    func wait() async -> Int? { await opened.first { _ in true } }
}

/// Where clients reach this node, once they do.
final class OpenedAddress: Sendable {
    private let address = Mutex<HTTPAddress?>(nil)

    var current: HTTPAddress? { address.withLock { $0 } }

    func set(_ address: HTTPAddress) { self.address.withLock { $0 = address } }
}

/// Where this node's peer port can be reached, as far as this machine can tell.
enum OwnAddresses {
    /// - Parameter host: Where the port listens.
    static func list(host: String, port: Int) -> [PeerAddress] {
        guard host == "::" || host == "0.0.0.0" else { return PeerAddress(host: host, port: port).map { [$0] } ?? [] }
        let usable = UsableAddresses.from(InterfaceWatch.survey())
            .filter { host == "::" || !$0.isIPv6 }
            .compactMap { PeerAddress(host: $0.description, port: port) }
        return usable.isEmpty ? PeerAddress(host: "127.0.0.1", port: port).map { [$0] } ?? [] : usable
    }
}
