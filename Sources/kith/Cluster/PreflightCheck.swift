// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithInference
import KithModel
import KithNode
import KithTransport
import Logging
import NIOCore
import NIOPosix

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Finds out before anything is started whether ports can be listened on.
enum PortCheck {
    /// - Throws: `CommandError` with the first port that is taken.
    static func requireFree(_ plan: ClusterPlan) async throws {
        for instance in plan.instances {
            try await requireFree(instance.port, of: instance, flag: "--base-port")
            try await requireFree(instance.peerPort, of: instance, flag: "--base-peer-port")
        }
    }

    /// The first of `count` neighbouring ports that nobody listens on.
    ///
    /// - Returns: `base` when there are none among the next hundred.
    static func firstFree(_ count: Int, from base: Int) async -> Int {
        var first = base
        var port = base
        while first < base + 100 {
            guard port < first + count else { return first }
            do {
                try await listen(on: port, host: "127.0.0.1")
            } catch {
                first = port + 1
            }
            port += 1
        }
        return base
    }

    static func listen(on port: Int, host: String) async throws {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(ChannelOptions.autoRead, value: false)
            .bind(host: host, port: port).get()
        try await channel.close()
    }

    private static func requireFree(_ port: Int, of instance: ClusterPlan.Instance, flag: String) async throws {
        do {
            try await listen(on: port, host: instance.address.host)
        } catch let error as IOError {
            let reason = error.errnoCode == EACCES ? "may not be used by this user" : "is in use by another program"
            throw CommandError(.failed, "port \(port) \(reason); choose other ports with \(flag)")
        }
    }
}

/// Finds out before anything is started whether nodes would have an engine.
enum EngineCheck {
    private static let advice = "`kith engine install` puts one on this machine, and --engine names another"

    /// - Throws: `CommandError` when the settings ask for an engine that is not there.
    static func requirePresent(_ settings: EngineSettings) async throws {
        switch settings.choice {
        case .automatic:
            let factory = EngineFactory(
                settings: settings, client: UpstreamClient(), logger: NodeLog().logger(label: "kith", level: .info))
            guard await factory.select().engine == .none else { return }
            throw CommandError(.failed, "no engine was found on this machine; \(advice)")
        case .fixed(.embedded):
            switch EmbeddedInstaller(directory: settings.embedded.directory).status() {
            case .installed: return
            case .missing: throw CommandError(.failed, "the embedded engine is not installed; \(advice)")
            case .broken(let reason):
                throw CommandError(.failed, "the embedded engine is broken: \(reason); \(advice)")
            }
        case .fixed, .listed, .none: return
        }
    }
}
