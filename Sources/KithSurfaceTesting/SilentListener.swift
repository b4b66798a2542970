// SPDX-License-Identifier: Apache-2.0

package import KithModel
import NIOCore
import NIOPosix

/// A port of this machine that accepts connections and never says anything.
package struct SilentListener: Sendable {
    package let address: PeerAddress

    package static func run<Result: Sendable>(_ body: @Sendable (SilentListener) async throws -> Result) async throws
        -> Result
    {
        let channel = try await bind()
        do {
            let result = try await body(SilentListener(address: try address(of: channel)))
            try await channel.close()
            return result
        } catch {
            try await channel.close()
            throw error
        }
    }

    /// A port at which nobody listens: its listener has just been closed.
    package static func nobody() async throws -> PeerAddress {
        let channel = try await bind()
        let address = try address(of: channel)
        try await channel.close()
        return address
    }

    private static func bind() async throws -> any Channel {
        try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0).get()
    }

    private static func address(of channel: any Channel) throws -> PeerAddress {
        try found(PeerAddress(host: "127.0.0.1", port: channel.localAddress?.port ?? 0))
    }
}
