// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import NIOEmbedded

/// A connection of a test without a socket, as if it came from some address. For the thread that made it alone.
package enum FarChannel {
    package static func make(_ address: String) throws -> any Channel {
        let channel = EmbeddedChannel()
        let address = try SocketAddress(ipAddress: address, port: 4_711)
        try channel.connect(to: address).wait()
        channel.remoteAddress = address
        return channel
    }
}
