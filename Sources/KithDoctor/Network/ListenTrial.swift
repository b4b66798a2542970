// SPDX-License-Identifier: Apache-2.0

import KithModel
import NIOCore
import NIOPosix
import SystemPackage

/// Whether a port could be listened on now.
enum ListenTrial: Hashable, Sendable {
    case free
    case taken
    /// Ports below 1024 are for the system's own programs.
    case notPermitted
    /// This machine does not have the address.
    case noSuchAddress
    case failed(String)

    static func run(host: String, port: Int) async -> ListenTrial {
        do {
            let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: host, port: port).get()
            try await channel.close()
            return .free
        } catch let error as IOError {
            return ListenTrial(Errno(rawValue: error.errnoCode))
        } catch {
            return .failed("\(error)")
        }
    }

    init(_ code: Errno) {
        switch code {
        case .addressInUse: self = .taken
        case .permissionDenied, .notPermitted: self = .notPermitted
        case .addressNotAvailable, .addressFamilyNotSupported: self = .noSuchAddress
        default: self = .failed("\(code)")
        }
    }
}
