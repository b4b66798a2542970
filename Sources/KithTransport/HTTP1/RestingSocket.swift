// SPDX-License-Identifier: Apache-2.0

import NIOCore

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The socket of a connection that rests between two requests.
///
/// Asked before each use of the connection, so it keeps the descriptor and does not ask the channel for it again.
struct RestingSocket {
    private let descriptor: CInt

    /// Must be called on the channel's event loop.
    ///
    /// - Returns: `nil` for a channel that is no socket.
    init?(of channel: any Channel) {
        guard
            let descriptor = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable({
                (descriptor: CInt) in descriptor
            })
        else { return nil }
        self.descriptor = descriptor
    }

    /// Whether something has come that the event loop has not read yet: the end of the connection, or bytes that nobody asked
    /// for.
    ///
    /// Must be called on the channel's event loop, while the channel is active: after that the number may be another's.
    var hasInput: Bool {
        var byte: UInt8 = 0
        let count = recv(descriptor, &byte, 1, CInt(MSG_PEEK) | CInt(MSG_DONTWAIT))
        return count >= 0 || errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR
    }
}
