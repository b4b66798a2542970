// SPDX-License-Identifier: Apache-2.0

import NIOCore

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension Channel {
    /// Whether the kernel knows that the other side has closed a connection, where the event loop has not heard of it yet.
    ///
    /// Must be called on the channel's event loop. Where the kernel cannot be asked, or says nothing, `false`.
    var otherSideHasClosed: Bool {
        guard let options = self as? any SocketOptionProvider else { return false }
        #if canImport(Darwin)
            let established: UInt8 = 4  // TCPS_ESTABLISHED
            let answer: EventLoopFuture<tcp_connection_info> = options.getTCPConnectionInfo()
        #else
            let established: UInt8 = 1  // TCP_ESTABLISHED
            let answer: EventLoopFuture<tcp_info> = options.getTCPInfo()
        #endif
        var state = established
        answer.assumeIsolated().whenSuccess { state = $0.tcpi_state }  // at once, on the event loop
        return state != established
    }
}
