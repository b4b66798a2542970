// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithTesting
import KithVault
import Testing

@Suite("Vault's status")
struct VaultStatusTests {
    private static func body(initialised: Bool = true, sealed: Bool = false) -> [UInt8] {
        Array(#"{"initialized":\#(initialised),"sealed":\#(sealed),"standby":false,"version":"1.20.0"}"#.utf8)
    }

    @Test(
        "Each documented code is told apart",
        arguments: [
            (200, VaultStatus.active), (429, .standby), (472, .recoverySecondary), (473, .performanceStandby),
            (474, .cutOffStandby), (501, .notInitialised), (503, .sealed), (530, .removed),
        ])
    func codes(code: Int, status: VaultStatus) {
        let isBad = code >= 474
        let body = Self.body(initialised: code != 501, sealed: isBad)
        #expect(VaultStatus(code: code, body: body) == status)
        #expect(status.code == code)
    }

    @Test("Only 200, 429, 472 and 473 are available")
    func available() {
        let available = (100..<600).filter { VaultStatus(code: $0, body: Self.body()).isAvailable }
        #expect(available == [200, 429, 472, 473])
    }

    @Test("A sealed Vault is not available because a proxy says 200")
    func contradiction() {
        #expect(VaultStatus(code: 200, body: Self.body(sealed: true)) == .sealed)
        #expect(VaultStatus(code: 429, body: Self.body(initialised: false)) == .notInitialised)
    }

    @Test(
        "What does not answer as Vault does is something else, whatever its code",
        arguments: ["<html>503</html>", "", "{}", "[]", #"{"status":"healthy"}"#, #"{"initialized":1,"sealed":0}"#])
    func foreign(body: String) {
        for code in [200, 429, 500, 503] {
            #expect(VaultStatus(code: code, body: Array(body.utf8)) == .foreign(code: code))
        }
    }

    @Test(
        "Of several the first that can be used speaks, else the first Vault, else the first",
        arguments: [
            ([VaultStatus.active, .sealed], VaultStatus.active), ([.sealed, .standby, .active], .standby),
            ([.unreachable(.timeout), .foreign(code: 404), .sealed, .notInitialised], .sealed),
            ([.unreachable(.timeout), .foreign(code: 404)], .unreachable(.timeout)), ([], .unreachable(.noConnection)),
        ])
    func several(statuses: [VaultStatus], told: VaultStatus) { #expect(VaultStatus.told(by: statuses) == told) }

    @Test("An unknown code is something else's", arguments: [100, 204, 404, 418, 500, 599])
    func unknownCode(code: Int) {
        #expect(VaultStatus(code: code, body: Self.body()) == .foreign(code: code))
    }

    @Test(
        "Why nobody answered is told apart",
        arguments: [
            (ChatError.Code.unreachable, VaultStatus.unreachable(.noConnection)),
            (.timeout, .unreachable(.timeout)), (.interrupted, .unreachable(.interrupted)),
            (.invalidAnswer, .foreign(code: nil)),
        ])
    func failures(code: ChatError.Code, status: VaultStatus) {
        #expect(VaultStatus(ChatError(code, "x")) == status)
    }

    @Test("Spoilt answers are read without harm", arguments: 1...4 as ClosedRange<UInt64>)
    func fuzz(seed: UInt64) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let status = VaultStatus(code: 200, body: Mutations.spoil(Self.body(), using: &generator))
            #expect([.active, .sealed, .notInitialised, .foreign(code: 200)].contains(status))
        }
    }

    // MARK: The seed's body

    private func json(_ body: VaultStatusBody) throws -> JSONValue {
        try JSONBody.decode(JSONValue.self, from: try JSONBody.encode(body))
    }

    @Test("What is available has the seed's keys and more")
    func availableBody() throws {
        #expect(
            try json(VaultStatusBody(.standby, age: .milliseconds(1_500))) == [
                "status": "available", "code": 429, "detail": "Vault is unsealed and a standby", "age_seconds": 1.5,
            ])
    }

    @Test("What is not available has the seed's keys", arguments: [VaultStatus.sealed, .notInitialised, .removed])
    func unavailableBody(status: VaultStatus) throws {
        let body = try json(VaultStatusBody(status))
        #expect(body["status"] == "unavailable")
        #expect(body["code"]?.intValue == status.code)
        #expect(body["error"] == nil)
    }

    @Test(
        "What cannot be asked is an error in words",
        arguments: VaultStatus.Obstacle.allCases.map { VaultStatus.unreachable($0) } + [
            .foreign(code: 200), .foreign(code: nil), .foreign(code: 400),
        ])
    func errorBody(status: VaultStatus) throws {
        let body = try json(VaultStatusBody(status))
        #expect(body["status"] == "error")
        #expect(body["error"] == body["detail"])
        #expect(body["code"] == nil)
    }

    @Test("Every status is put into words of its own")
    func words() {
        let all: [VaultStatus] =
            [
                .active, .standby, .recoverySecondary, .performanceStandby, .cutOffStandby, .notInitialised, .sealed,
                .removed,
            ]
            + VaultStatus.Obstacle.allCases.map { .unreachable($0) }
            + [.foreign(code: nil), .foreign(code: 400), .foreign(code: 200)]
        #expect(Set(all.map(\.detail)).count == all.count)
        #expect(VaultStatusBody.unconfigured.error?.contains("vault.address") == true)
    }
}
