// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import KithVault
import Logging
import Testing

@Suite("Secrets from Vault", .timeLimit(.minutes(1)))
struct VaultSecretsTests {
    private static let token = "hvs.token-of-the-test"
    private static let secretID = "secret-id-of-the-stub"
    private static let path = "secret/data/kith"
    private static let key = "sk-first-from-vault"
    private static let role = VaultCredential.appRole(roleID: VaultStub.roleID, secretID: Secret(secretID))

    /// A node's secrets on a clock that a test moves.
    private struct Scene {
        let stub: VaultStub
        let server: StubServer
        let clock: ManualClock
        let secrets: VaultSecrets
        let log: RecordedLog

        func source(_ field: String = "openai_key") throws -> any SecretSource {
            secrets.source(of: try VaultReference("vault:secret/data/kith#\(field)"))
        }

        /// Waits until nothing is to be done before some time has passed.
        func idle() async throws {
            try #require(await eventually { clock.sleeperCount == 1 }, "waited too long for rest")
        }

        func pass(_ duration: Duration) async throws {
            clock.advance(by: duration)
            try await idle()
        }
    }

    private func play(
        _ credential: VaultCredential = .token(Secret(token)), _ change: (inout VaultStub.State) -> Void = { _ in },
        _ body: (Scene) async throws -> Void
    ) async throws {
        let stub = VaultStub { state in
            state.tokens = [Self.token]
            state.secrets[Self.path] = ["openai_key": .string(Self.key), "anthropic_key": "sk-ant-from-vault"]
            change(&state)
        }
        let log = RecordedLog()
        try await stub.serve { server in
            let clock = ManualClock()
            let secrets = VaultSecrets(
                client: VaultClient(address: server.address), credential: credential, clock: clock, logger: log.logger)
            let run = Task { await secrets.run() }
            do {
                try await body(Scene(stub: stub, server: server, clock: clock, secrets: secrets, log: log))
            } catch {
                run.cancel()
                await run.value
                throw error
            }
            run.cancel()
            await run.value
        }
        let text = log.lines.joined(separator: "\n")
        for secret in [Self.token, Self.secretID, Self.key, "sk-ant-from-vault", "sk-second", "hvs.made"] {
            #expect(!text.contains(secret))
        }
    }

    private func problem(_ source: any SecretSource) -> String? {
        do throws(SecretError) {
            _ = try source.current()
            return nil
        } catch {
            return error.message
        }
    }

    @Test("Nothing is asked while nobody wants a secret")
    func nothing() async throws {
        try await play { scene in
            try await scene.idle()
            #expect(scene.server.requests.isEmpty)
        }
    }

    @Test("Both keys of one secret are there after one reading")
    func read() async throws {
        try await play { scene in
            try await scene.idle()
            let (first, second) = (try scene.source(), try scene.source("anthropic_key"))
            try #require(
                await eventually { problem(first) == nil && problem(second) == nil }, "waited too long for both keys")
            #expect(try first.current() == Secret(Self.key))
            #expect(try second.current() == Secret("sk-ant-from-vault"))
        }
    }

    @Test("With a role it logs in, reads, renews at two thirds of the lease, and logs in again when it may not renew")
    func role() async throws {
        try await play(Self.role) { scene in
            let source = try scene.source()
            try await scene.idle()
            #expect(problem(source) == nil)
            #expect(scene.server.asked == ["POST /v1/auth/approle/login", "GET /v1/secret/data/kith"])
            for _ in 0..<8 { try await scene.pass(.seconds(300)) }
            #expect(scene.server.asked.filter { $0.contains("renew-self") }.count == 1)
            scene.stub.change { $0.isRenewable = false }
            for _ in 0..<8 { try await scene.pass(.seconds(300)) }
            #expect(scene.server.asked.filter { $0.contains("login") }.count == 2)
            #expect(problem(source) == nil)
        }
    }

    @Test("With a token it asks for its lease and renews it in time")
    func token() async throws {
        try await play { scene in
            _ = try scene.source()
            try await scene.idle()
            for _ in 0..<8 { try await scene.pass(.seconds(300)) }
            #expect(scene.server.asked.first == "GET /v1/auth/token/lookup-self")
            #expect(scene.server.asked.filter { $0.contains("renew-self") }.count == 1)
        }
    }

    @Test("A role whose token was revoked logs in again")
    func revoked() async throws {
        try await play(Self.role) { scene in
            let source = try scene.source()
            try await scene.idle()
            scene.stub.change { state in
                state.tokens = []
                state.secrets[Self.path]?["openai_key"] = "sk-second"
            }
            for _ in 0..<20 { try await scene.pass(.seconds(30)) }
            #expect(try source.current() == Secret("sk-second"))
        }
    }

    @Test(
        "A sealed Vault is told, and the key is there seconds after it is unsealed",
        arguments: [LeaseKeeper.Method.token, .appRole])
    func sealed(method: LeaseKeeper.Method) async throws {
        let credential = method == .token ? .token(Secret(Self.token)) : Self.role
        try await play(credential, { $0.isSealed = true }) { scene in
            let source = try scene.source()
            try await scene.idle()
            #expect(problem(source)?.hasPrefix("its key is in Vault, which is sealed") == true)
            for _ in 0..<30 { try await scene.pass(.seconds(4)) }
            #expect(scene.log.lines.filter { $0.contains("sealed") }.count <= 2)
            scene.stub.change { $0.isSealed = false }
            for _ in 0..<2 { try await scene.pass(.seconds(4)) }
            #expect(problem(source) == nil)
        }
    }

    @Test("HTML where Vault should be is told, and survived")
    func html() async throws {
        try await play(.token(Secret(Self.token)), { $0.html = (200, "<html>welcome</html>") }) { scene in
            let source = try scene.source()
            try await scene.idle()
            #expect(problem(source)?.contains("does not answer as Vault does") == true)
            scene.stub.change { $0.html = nil }
            try await scene.pass(.seconds(4))
            #expect(problem(source) == nil)
        }
    }

    @Test("A policy that does not let it read is told with the path, and looked at again when it is mended")
    func forbidden() async throws {
        try await play(.token(Secret(Self.token)), { $0.lackingPolicy = [Self.token] }) { scene in
            let source = try scene.source()
            try await scene.idle()
            #expect(problem(source)?.contains("denies reading secret/data/kith") == true)
            #expect(scene.log.lines.contains { $0.contains("denies reading secret/data/kith") })
            scene.stub.change { $0.lackingPolicy = [] }
            try await scene.pass(.seconds(60))
            #expect(problem(source) == nil)
            #expect(scene.log.lines.contains { $0.contains("gives again") })
        }
    }

    @Test("A field that is missing is told, and the other is there")
    func missingField() async throws {
        try await play { scene in
            let (there, missing) = (try scene.source(), try scene.source("no_such_key"))
            try await scene.idle()
            #expect(problem(there) == nil)
            #expect(problem(missing)?.contains("has no field no_such_key") == true)
            scene.stub.change { $0.secrets[Self.path]?["no_such_key"] = "sk-second" }
            try await scene.pass(.seconds(60))
            #expect(try missing.current() == Secret("sk-second"))
        }
    }

    @Test("A rotated secret takes effect by itself within five minutes")
    func rotated() async throws {
        try await play { scene in
            let source = try scene.source()
            try await scene.idle()
            scene.stub.change { $0.secrets[Self.path]?["openai_key"] = "sk-second" }
            try await scene.pass(.seconds(299))
            #expect(try source.current() == Secret(Self.key))
            try await scene.pass(.seconds(1))
            #expect(try source.current() == Secret("sk-second"))
        }
    }

    @Test("A secret that is refused where it is shown is read again at once, but not again and again")
    func refused() async throws {
        try await play { scene in
            let source = try scene.source()
            try await scene.idle()
            try await scene.pass(.seconds(20))
            let before = scene.server.requests.count
            scene.stub.change { $0.secrets[Self.path]?["openai_key"] = "sk-second" }
            #expect(source.refused(Secret(Self.key)))
            try #require(
                await eventually { try source.current() == Secret("sk-second") }, "waited too long for the newer key")
            try await scene.idle()
            for _ in 0..<5 {
                _ = source.refused(Secret("sk-second"))
                try await scene.idle()
            }
            #expect(scene.server.requests.count == before + 1)
        }
    }

    @Test("What was read is given out while Vault is away")
    func away() async throws {
        try await play { scene in
            let source = try scene.source()
            try await scene.idle()
            scene.stub.change { $0.isSealed = true }
            try await scene.pass(.seconds(300))
            #expect(try source.current() == Secret(Self.key))
        }
    }
}
