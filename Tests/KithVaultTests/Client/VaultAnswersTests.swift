// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import KithVault
import Testing

@Suite("Vault's answers")
struct VaultAnswersTests {
    private static let grant =
        #"{"auth":{"client_token":"hvs.t","lease_duration":1200,"renewable":true,"policies":["default"]}}"#
    private static let lease = #"{"data":{"ttl":900,"renewable":true,"expire_time":null,"id":"hvs.t"}}"#
    private static let fields = #"{"data":{"data":{"k":"value","n":1},"metadata":{"version":3}}}"#

    @Test("A lease of no length has no end")
    func endless() throws {
        let lease = try VaultAnswers.lease(Array(#"{"data":{"ttl":0,"renewable":false}}"#.utf8))
        #expect(lease == VaultLease(duration: nil, isRenewable: false))
    }

    @Test(
        "An absurd lease is held to what a clock can count", arguments: ["1e300", "9223372036854775807", "-5", "0.5"])
    func absurd(seconds: String) throws {
        let text = Self.lease.replacing("900", with: seconds)
        let lease = try VaultAnswers.lease(Array(text.utf8))
        #expect(lease.duration.map { $0 > .zero && $0 <= .seconds(315_360_000) } ?? true)
    }

    @Test(
        "A token that cannot stand in a header is none",
        arguments: ["", "a b", "a\\r\\nX-Evil: 1", "tök", String(repeating: "x", count: 5_000)])
    func badToken(token: String) {
        #expect(throws: ChatError.self) {
            try VaultAnswers.grant(Array(Self.grant.replacing("hvs.t", with: token).utf8))
        }
    }

    @Test("What a version 1 of the key-value store answers is not taken for fields")
    func versionOne() {
        #expect(throws: ChatError.self) { try VaultAnswers.fields(Array(#"{"data":{"k":"value"}}"#.utf8)) }
    }

    @Test(
        "Spoilt answers are read or refused without harm, and no error holds what is secret",
        arguments: 1...6 as ClosedRange<UInt64>)
    func fuzz(seed: UInt64) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            attempt(Self.grant, &generator) { _ = try VaultAnswers.grant($0) }
            attempt(Self.lease, &generator) { _ = try VaultAnswers.lease($0) }
            attempt(Self.fields.replacing("value", with: "c4n4ry"), &generator) {
                let fields = try VaultAnswers.fields($0)
                _ = try fields.secret(of: VaultReference("vault:secret/data/x#k"))
            }
        }
    }

    private func attempt(_ text: String, _ generator: inout SeededGenerator, _ read: ([UInt8]) throws -> Void) {
        do {
            try read(Mutations.spoil(Array(text.utf8), using: &generator))
        } catch {
            #expect(error is ChatError || error is VaultError)
            #expect(!"\(error)".contains("c4n4ry"))
        }
    }
}
