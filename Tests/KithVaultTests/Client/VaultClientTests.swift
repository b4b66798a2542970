// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import KithTransport
import KithVault
import Testing

@Suite("A client of Vault", .timeLimit(.minutes(1)))
struct VaultClientTests {
    private static let token = Secret("hvs.token-of-the-test")
    private static let path = "secret/data/kith"

    private static func stub(_ change: (inout VaultStub.State) -> Void = { _ in }) -> VaultStub {
        VaultStub { state in
            state.tokens = [token.reveal()]
            state.secrets[path] = ["openai_key": "sk-from-vault", "number": 7, "blank": "a b"]
            change(&state)
        }
    }

    private func failure(
        _ stub: VaultStub, _ ask: (VaultClient) async throws -> Void
    ) async throws -> VaultError? {
        try await stub.serve { server in
            await #expect(throws: VaultError.self) { try await ask(VaultClient(address: server.address)) }
        }
    }

    // MARK: Health

    @Test("Vault is asked for its health without a token")
    func health() async throws {
        try await Self.stub().serve { server in
            #expect(await VaultClient(address: server.address).status() == .active)
            #expect(server.requests.first?[header: "x-vault-token"] == nil)
        }
    }

    @Test("HTML is not Vault")
    func html() async throws {
        try await Self.stub { $0.html = (502, "<html>Bad Gateway</html>") }.serve { server in
            #expect(await VaultClient(address: server.address).status() == .foreign(code: 502))
        }
    }

    @Test("What says nothing is given up")
    func hanging() async throws {
        try await Self.stub { $0.hangs = true }.serve { server in
            let status = await VaultClient(address: server.address).status(limit: .milliseconds(50))
            #expect(status == .unreachable(.timeout))
        }
    }

    @Test("One that answers byte by byte is given up too")
    func dripping() async throws {
        try await StubServer.serve { _, answer in
            try await answer.begin(contentType: "application/json", headers: ["Content-Length": "100000"])
            while true {
                try await answer.write(" ")
                try await Task.sleep(for: .milliseconds(10))
            }
        } during: { server in
            let status = await VaultClient(address: server.address).status(limit: .milliseconds(200))
            #expect(status == .unreachable(.timeout))
        }
    }

    @Test("An answer without end is given up")
    func endless() async throws {
        try await StubServer.serve { _, answer in
            try await answer.begin(contentType: "application/json")
            while true { try await answer.write(bytes: [UInt8](repeating: 0x20, count: 1 << 16)) }
        } during: { server in
            #expect(await VaultClient(address: server.address).status(limit: .seconds(20)) == .foreign(code: nil))
        }
    }

    @Test("Nobody there is told from something else there")
    func nobody() async throws {
        let address = try await Self.stub().serve { $0.address }
        #expect(await VaultClient(address: address).status() == .unreachable(.noConnection))
        let listener = try await RawListener.open { "220 mail.example ESMTP\r\n" }
        let mail = HTTPAddress(host: "127.0.0.1", port: listener.port)
        #expect(await VaultClient(address: mail).status() == .foreign(code: nil))
        let secure = HTTPAddress(scheme: .https, host: "127.0.0.1", port: listener.port)
        #expect(await VaultClient(address: secure).status() == .unreachable(.tls))
        try await listener.close()
    }

    // MARK: Secrets

    @Test("A field of a secret is read with the token")
    func read() async throws {
        try await Self.stub().serve { server in
            let fields = try await VaultClient(address: server.address).read(Self.path, token: Self.token)
            #expect(
                try fields.secret(of: VaultReference("vault:secret/data/kith#openai_key")) == Secret("sk-from-vault"))
            #expect(server.asked == ["GET /v1/secret/data/kith"])
            #expect(server.requests.first?[header: "x-vault-token"] == Self.token.reveal())
        }
    }

    @Test("A field that is missing is named, and what is there is not")
    func missingField() async throws {
        try await Self.stub().serve { server in
            let fields = try await VaultClient(address: server.address).read(Self.path, token: Self.token)
            let failure = #expect(throws: VaultError.self) {
                try fields.secret(of: VaultReference("vault:secret/data/kith#other"))
            }
            #expect(failure?.code == .noField)
            #expect(failure?.message.contains("other") == true)
            #expect(failure?.message.contains("openai_key") == false)
            #expect(!"\(fields) \(String(reflecting: fields))".contains("sk-from-vault"))
        }
    }

    @Test("A field that cannot be a key is refused", arguments: ["number", "blank"])
    func unusable(field: String) async throws {
        try await Self.stub().serve { server in
            let fields = try await VaultClient(address: server.address).read(Self.path, token: Self.token)
            let failure = #expect(throws: VaultError.self) {
                try fields.secret(of: VaultReference("vault:secret/data/kith#\(field)"))
            }
            #expect(failure?.code == .unusableField)
        }
    }

    @Test("A path that a token may not read is named")
    func forbidden() async throws {
        let failure = try await failure(Self.stub { $0.lackingPolicy = [Self.token.reveal()] }) {
            _ = try await $0.read(Self.path, token: Self.token)
        }
        #expect(failure?.code == .denied)
        #expect(failure?.message.contains(Self.path) == true)
    }

    @Test("A token that is not valid is not repeated")
    func wrongToken() async throws {
        let failure = try await failure(Self.stub()) { _ = try await $0.read(Self.path, token: Secret("hvs.wrong")) }
        #expect(failure?.code == .denied)
        #expect(!"\(String(describing: failure)) \(String(reflecting: failure))".contains("hvs.wrong"))
    }

    @Test("A secret that is not there is named")
    func noSecret() async throws {
        let failure = try await failure(Self.stub()) { _ = try await $0.read("secret/data/none", token: Self.token) }
        #expect(failure?.code == .noSecret)
        #expect(failure?.message.contains("secret/data/none") == true)
    }

    @Test("A deleted version of a secret is no secret")
    func deleted() async throws {
        let body = #"{"data":{"data":null,"metadata":{"deletion_time":"2026-01-01T00:00:00Z","version":2}}}"#
        try await StubServer.serve({ try await $1.send(body, status: 404) }) { server in
            let failure = await #expect(throws: VaultError.self) {
                try await VaultClient(address: server.address).read(Self.path, token: Self.token)
            }
            #expect(failure?.code == .noSecret)
        }
    }

    @Test("A sealed Vault says what opens it")
    func sealed() async throws {
        let failure = try await failure(Self.stub { $0.isSealed = true }) {
            _ = try await $0.read(Self.path, token: Self.token)
        }
        #expect(failure?.code == .sealed)
        #expect(failure?.message.contains("vault operator unseal") == true)
    }

    @Test(
        "What answers in HTML is no answer of Vault's, whatever its status",
        arguments: [(200, VaultError.Code.foreign), (403, .foreign), (404, .foreign), (503, .unavailable)])
    func htmlForSecret(status: Int, code: VaultError.Code) async throws {
        let failure = try await failure(Self.stub { $0.html = (status, "<html>sealed</html>") }) {
            _ = try await $0.read(Self.path, token: Self.token)
        }
        #expect(failure?.code == code)
        #expect(failure?.isPassing == true)
    }

    @Test("A standby that only points elsewhere is not followed")
    func redirect() async throws {
        try await StubServer.serve { _, answer in
            try await answer.send("", status: 307, headers: ["Location": "http://127.0.0.1:1/"])
        } during: { server in
            let failure = await #expect(throws: VaultError.self) {
                try await VaultClient(address: server.address).read(Self.path, token: Self.token)
            }
            #expect(failure?.code == .elsewhere)
        }
    }

    // MARK: Tokens

    @Test("A role and its secret give a token and its lease")
    func logIn() async throws {
        try await Self.stub().serve { server in
            let grant = try await VaultClient(address: server.address).logIn(
                roleID: VaultStub.roleID, secretID: Secret("secret-id-of-the-stub"))
            #expect(grant.token == Secret("hvs.made-1"))
            #expect(grant.lease == VaultLease(duration: .seconds(3_600), isRenewable: true))
        }
    }

    @Test("A secret_id that is not accepted is not repeated")
    func wrongSecretID() async throws {
        let failure = try await failure(Self.stub()) {
            _ = try await $0.logIn(roleID: VaultStub.roleID, secretID: Secret("no-such-id"))
        }
        #expect(failure?.code == .denied)
        #expect(failure?.message.contains("secret_id") == true)
        #expect(!"\(String(describing: failure)) \(String(reflecting: failure))".contains("no-such-id"))
    }

    @Test("A token is looked up and renewed")
    func lease() async throws {
        try await Self.stub().serve { server in
            let client = VaultClient(address: server.address)
            let (found, renewed) = (try await client.lookUp(Self.token), try await client.renew(Self.token))
            #expect(found == VaultLease(duration: .seconds(3_600), isRenewable: true))
            #expect(renewed == found)
            #expect(server.asked == ["GET /v1/auth/token/lookup-self", "POST /v1/auth/token/renew-self"])
        }
    }
}
