// SPDX-License-Identifier: Apache-2.0

package import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A socket of this machine that takes datagrams from anybody, such as that of the system's log (unix(7)).
///
/// Never waits: what is not taken at once is lost.
package struct DatagramSocket: ~Copyable {
    private let path: String
    private let descriptor: Int32

    /// - Parameter path: Of the socket; on Linux `@` at its beginning stands for a name without a file.
    /// - Throws: `Errno` when the process can have no more sockets.
    package init(_ path: String) throws(Errno) {
        self.path = path
        descriptor = socket(AF_UNIX, Self.datagram, 0)
        guard descriptor >= 0 else { throw Errno(rawValue: errno) }
    }

    deinit { close(descriptor) }

    /// - Throws: `Errno` when nobody takes it.
    package func send(_ bytes: [UInt8]) throws(Errno) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var name = Array(path.utf8)
        let hasFile = name.first != UInt8(ascii: "@")
        if !hasFile { name[0] = 0 }
        let isTaken = withUnsafeMutableBytes(of: &address.sun_path) { space in
            guard name.count < space.count else { return false }
            space.copyBytes(from: name)
            return true
        }
        guard isTaken else { throw .fileNameTooLong }
        let all = MemoryLayout<sockaddr_un>.size
        let length = hasFile ? all : all - MemoryLayout.size(ofValue: address.sun_path) + name.count
        let sent = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, bytes, bytes.count, Int32(MSG_DONTWAIT), $0, socklen_t(length))
            }
        }
        if sent < 0 { throw Errno(rawValue: errno) }
    }

    #if canImport(Glibc)
        private static let datagram = Int32(SOCK_DGRAM.rawValue)
    #else
        private static let datagram = SOCK_DGRAM
    #endif
}
