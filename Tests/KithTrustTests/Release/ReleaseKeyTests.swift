// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import KithTrust
import Testing

@Suite("The key that signs releases")
struct ReleaseKeyTests {
    /// The key pair and the signature of the empty message of RFC 8032, section 7.1, test 1.
    private static let published = (
        pem: """
        -----BEGIN PUBLIC KEY-----
        MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
        -----END PUBLIC KEY-----
        """,
        signature: """
        e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24\
        655141438e7a100b
        """
    )

    private static var signature: [UInt8] {
        let digits = Array(published.signature.utf8)
        return stride(from: 0, to: digits.count, by: 2).map {
            UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16) ?? 0
        }
    }

    @Test("A published signature is recognised, and nothing that differs from it")
    func published() throws {
        let key = try #require(ReleaseKey(pem: Self.published.pem))
        #expect(key.verifies(Self.signature, of: []))
        #expect(!key.verifies(Self.signature, of: [0]))
        for place in [0, 31, 32, 63] {
            var changed = Self.signature
            changed[place] ^= 1
            #expect(!key.verifies(changed, of: []))
        }
        #expect(!key.verifies([], of: []) && !key.verifies(Self.signature + [0], of: []))
    }

    @Test("Another key, and what is no key of this kind, are not taken for it")
    func others() throws {
        let other = Curve25519.Signing.PrivateKey().publicKey.rawRepresentation
        let der = Data([0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]) + other
        let pem = "-----BEGIN PUBLIC KEY-----\n\(der.base64EncodedString())\n-----END PUBLIC KEY-----\n"
        #expect(try #require(ReleaseKey(pem: pem)).verifies(Self.signature, of: []) == false)
        for wrong in [
            "", "-----BEGIN PUBLIC KEY-----", pem.replacing("PUBLIC", with: "PRIVATE"),
            pem.replacing(der.base64EncodedString(), with: "AAAA"),
            P256.Signing.PrivateKey().publicKey.pemRepresentation,
        ] {
            #expect(ReleaseKey(pem: wrong) == nil)
        }
    }
}
