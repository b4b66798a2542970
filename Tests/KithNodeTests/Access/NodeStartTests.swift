// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithNode
import Logging
import Synchronization
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite("A node's start, as far as clients are let in", .timeLimit(.minutes(1)))
struct NodeStartTests {
    private let folder: TemporaryFolder
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    init() throws { folder = try TemporaryFolder() }

    private func node(_ flags: [SettingKey: String]) throws -> Node {
        let own: [SettingKey: String] = [.dataDirectory: folder.path, .engineKind: "none", .port: "0"]
        let surroundings = ProcessEnvironment(currentDirectory: "/", homeDirectory: "/", hostName: "test")
        let sources = SettingSources(flags: own.merging(flags) { _, flag in flag }, surroundings: surroundings)
        return Node(settings: try NodeSettings(sources), logger: logger)
    }

    /// Runs a node until it listens.
    private func start(
        _ flags: [SettingKey: String] = [:], whileListening body: @escaping @Sendable (HTTPAddress) throws -> Void
    ) async throws {
        let node = try node(flags)
        let outcome = Mutex<Result<Void, any Error>?>(nil)
        let (listening, announce) = AsyncStream.makeStream(of: Void.self)
        let running = Task {
            defer { announce.finish() }
            try await node.run { address in
                outcome.withLock { $0 = Result { try body(address) } }
                announce.yield()
            }
        }
        for await _ in listening { break }
        running.cancel()
        _ = await running.result
        guard let result = outcome.withLock({ $0 }) else { return try await running.value }
        try result.get()
    }

    @Test("Where other machines reach it a node without keys does not start, and says how it would")
    func noKey() async throws {
        let error = await #expect(throws: NodeStartError.self) {
            try await start([.host: "0.0.0.0", .tlsMode: "own"]) { _ in }
        }
        #expect(error?.code == .keyMissing)
        let fix = "kith key create --data-dir \(folder.path) --name NAME --scope chat"
        #expect(error?.description.contains(fix) == true)
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/state/control.json"))
    }

    @Test("While it runs the owner finds its address and a token, and nothing afterwards")
    func controlFile() async throws {
        try await start { [folder] address in
            let file = try #require(try ControlFile.read(dataDirectory: folder.path))
            #expect(file.url == address)
            #expect(address.scheme == .http)
            #expect(file.fingerprint == nil)
        }
        #expect(try ControlFile.read(dataDirectory: folder.path) == nil)
    }

    @Test("With TLS the owner finds the certificate's fingerprint, which stays the same")
    func fingerprint() async throws {
        let seen = Mutex<Set<String>>([])
        for _ in 0..<2 {
            try await start([.tlsMode: "own"]) { [folder] address in
                #expect(address.scheme == .https)
                let file = try #require(try ControlFile.read(dataDirectory: folder.path))
                let fingerprint = try #require(file.fingerprint)
                _ = seen.withLock { $0.insert(fingerprint) }
            }
        }
        #expect(seen.withLock { $0.map(\.count) } == [64])
    }

    enum Spoilt: CaseIterable, Sendable { case missing, noPEM, otherKey, keyAsCertificate }

    @Test("A certificate that cannot be used is named with what is wrong", arguments: Spoilt.allCases)
    func certificates(spoilt: Spoilt) async throws {
        try await start { _ in }  // makes an identity, whose files are as good as any
        let other = try TemporaryFolder()
        let certificate = folder.path + "/state/identity/certificate.pem"
        let key = folder.path + "/state/identity/key.pem"
        let wrong = other.path + "/wrong.pem"
        let (files, message): ((String, String), String)
        switch spoilt {
        case .missing: (files, message) = ((wrong, key), "cannot read the certificate \(wrong)")
        case .noPEM:
            try Data("hello".utf8).write(to: URL(filePath: wrong))
            (files, message) = ((certificate, wrong), "\(wrong) does not hold a private key")
        case .otherKey:
            try await start([.dataDirectory: other.path]) { _ in }
            (files, message) = (
                (certificate, other.path + "/state/identity/key.pem"), "does not belong to the certificate"
            )
        case .keyAsCertificate: (files, message) = ((key, key), "\(key) does not hold a certificate")
        }
        let error = await #expect(throws: NodeStartError.self) {
            try await start([.tlsCertificate: files.0, .tlsKey: files.1]) { _ in }
        }
        #expect(error?.code == .certificate)
        #expect(error?.description.contains(message) == true, "\(String(describing: error))")
    }

    @Test("Certificate files are shown to clients")
    func files() async throws {
        try await start { _ in }
        let identity = folder.path + "/state/identity"
        try await start([.tlsCertificate: identity + "/certificate.pem", .tlsKey: identity + "/key.pem"]) { address in
            #expect(address.scheme == .https)
        }
    }
}
