// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithModel
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
    /// - Throws: ``CommandFailure`` with the first port that is taken.
    static func requireFree(_ plan: ClusterPlan) async throws {
        for instance in plan.instances {
            try await requireFree(instance.port, of: instance, flag: "--base-port")
            try await requireFree(instance.peerPort, of: instance, flag: "--base-peer-port")
        }
    }

    private static func requireFree(_ port: Int, of instance: ClusterPlan.Instance, flag: String) async throws {
        do {
            let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
                .bind(host: instance.address.host, port: port).get()
            try await channel.close()
        } catch let error as IOError {
            let reason = error.errnoCode == EACCES ? "may not be used by this user" : "is in use by another program"
            throw CommandFailure(.failed, "port \(port) \(reason); choose other ports with \(flag)")
        }
    }
}
