// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import KithModel
import KithTesting
import KithTrust
import SwiftASN1
import Testing
import X509

@Suite("The certificate that clients are shown")
struct SurfaceTLSTests {
    /// In PEM form.
    private struct Pair {
        var certificate: [UInt8]
        var key: [UInt8]

        init(from start: Double = 1_700_000_000, to end: Double = 4_000_000_000) throws {
            let key = P256.Signing.PrivateKey()
            let name = try DistinguishedName { CommonName("desk.lan") }
            let certificate = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: .init(key.publicKey),
                notValidBefore: Date(timeIntervalSince1970: start), notValidAfter: Date(timeIntervalSince1970: end),
                issuer: name, subject: name, extensions: Certificate.Extensions(), issuerPrivateKey: .init(key))
            self.certificate = Array(try certificate.serializeAsPEM().pemString.utf8)
            self.key = Array(key.pemRepresentation.utf8)
        }
    }

    @Test("A certificate and its key are taken, with the dates as they are and the usual fingerprint")
    func taken() throws {
        let pair = try Pair(from: 1_000_000_000, to: 1_100_000_000)
        let tls = try SurfaceTLS(certificate: pair.certificate, key: pair.key)
        #expect(tls.validity?.lowerBound == WallTime(milliseconds: 1_000_000_000_000))
        #expect(tls.validity?.upperBound == WallTime(milliseconds: 1_100_000_000_000))
        #expect(tls.validity?.contains(.now()) == false)
        let der = try PEMDocument(pemString: String(decoding: pair.certificate, as: UTF8.self)).derBytes
        #expect(tls.fingerprint == SHA256.hash(data: der).map { String(format: "%02x", $0) }.joined())
    }

    @Test("A certificate with those of its issuers after it is taken by the first")
    func chain() throws {
        let pair = try Pair()
        let other = try Pair()
        let tls = try SurfaceTLS(certificate: pair.certificate + [10] + other.certificate, key: pair.key)
        let single = try SurfaceTLS(certificate: pair.certificate, key: pair.key)
        #expect(tls.fingerprint == single.fingerprint)
    }

    @Test("Another certificate's key is told apart from what is no key and no certificate")
    func refused() throws {
        let pair = try Pair()
        let cases: [([UInt8], [UInt8], SurfaceTLSError.Code)] = [
            (pair.certificate, try Pair().key, .mismatch), (pair.certificate, pair.certificate, .key),
            (pair.certificate, [], .key), (pair.key, pair.key, .certificate), ([], pair.key, .certificate),
        ]
        for (certificate, key, code) in cases {
            let error = #expect(throws: SurfaceTLSError.self) { try SurfaceTLS(certificate: certificate, key: key) }
            #expect(error?.code == code)
        }
    }

    @Test("Spoilt files are refused or taken, and never more", arguments: [1, 2, 3] as [UInt64])
    func spoilt(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let pair = try Pair()
        for _ in 0..<300 {
            let certificate = Mutations.spoil(pair.certificate, using: &generator)
            let key = Mutations.spoil(pair.key, using: &generator)
            for (certificate, key) in [(certificate, pair.key), (pair.certificate, key)] {
                do {
                    _ = try SurfaceTLS(certificate: certificate, key: key)
                } catch {
                    #expect(!error.message.isEmpty, "seed \(seed)")
                }
            }
        }
    }
}
