// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithNode
import KithTesting
import Logging
import NIOCore
import NIOPosix
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite("The first start of a node", .timeLimit(.minutes(1)))
struct FirstStartTests {
    @Test(
        "that cannot listen says so, and leaves no folder and no key behind", arguments: [SettingKey.port, .peerPort])
    func taken(port: SettingKey) async throws {
        let other = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .bind(host: "127.0.0.1", port: 0).get()
        let folder = try TemporaryFolder()
        let path = folder.path + "/node"
        var flags: [SettingKey: String] = [
            .dataDirectory: path, .engineKind: "none", .port: "0", .peerPort: "0", .peerHost: "127.0.0.1",
        ]
        flags[port] = String(try #require(other.localAddress?.port))
        let surroundings = ProcessEnvironment(currentDirectory: "/", homeDirectory: "/", hostName: "test")
        let settings = try NodeSettings(SettingSources(flags: flags, surroundings: surroundings))
        let node = Node(settings: settings, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let error = await #expect(throws: NodeStartError.self) { try await node.run() }
        #expect(error?.code == .portTaken)
        #expect(!FileManager.default.fileExists(atPath: path))
        try await other.close()
    }
}
