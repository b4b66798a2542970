// SPDX-License-Identifier: Apache-2.0

import KithServer
import NIOCore
import Testing

@Suite("Where a connection comes from")
struct SourceTests {
    @Test(
        "It is written as people write it",
        arguments: [
            ("10.1.2.3", "10.1.2.3"), ("::ffff:10.1.2.3", "10.1.2.3"), ("::1", "::1"), ("fd71::ffff:1", "fd71::ffff:1"),
        ])
    func isWrittenAsUsual(address: String, expected: String) throws {
        #expect(try SocketAddress(ipAddress: address, port: 7443).source == expected)
    }

    @Test("A local socket has no address")
    func ofALocalSocketIsNone() throws {
        #expect(try SocketAddress(unixDomainSocketPath: "/tmp/socket").source == nil)
    }
}
