// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix

/// Which port peers are listened to.
enum PeerPort {
    /// A second node on one machine should start without being told a port: the usual one gives way to a free one when it
    /// is taken and nobody asked for it.
    static func choose(_ settings: PeerSettings) async -> Int {
        guard !settings.isPortChosen, settings.port != 0 else { return settings.port }
        do {
            let trial = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: settings.host, port: settings.port).get()
            try await trial.close()
            return settings.port
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            return 0
        } catch {
            return settings.port  // the listener will say what is wrong
        }
    }
}
