// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import SystemPackage

/// Where peers are listened to.
struct PeerPort: Sendable {
    var host: String
    /// 0 stands for any free port.
    var port: Int

    /// A second node on one machine should start without being told a port: the usual one gives way to a free one when it
    /// is taken and nobody asked for it. A machine without IPv6 listens on IPv4.
    static func choose(_ settings: PeerSettings) async -> PeerPort {
        var place = PeerPort(host: settings.host, port: settings.port)
        var why = await place.obstacle()
        if place.host == "::", why == .addressFamilyNotSupported || why == .addressNotAvailable {
            place.host = "0.0.0.0"
            why = await place.obstacle()
        }
        if why == .addressInUse, !settings.isPortChosen { place.port = 0 }
        return place
    }

    /// Why the place cannot be listened at, as far as a trial tells; the listener itself will say it properly.
    private func obstacle() async -> Errno? {
        do {
            let trial = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: host, port: port).get()
            try await trial.close()
            return nil
        } catch let error as IOError {
            return Errno(rawValue: error.errnoCode)
        } catch {
            return nil
        }
    }
}
