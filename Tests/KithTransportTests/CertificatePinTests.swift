// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import KithTransport
import NIOHTTP1
import Testing

@Suite("Pinned certificates", .timeLimit(.minutes(1)))
struct CertificatePinTests {
    private static let digest = String(repeating: "ab", count: 32)

    @Test(
        "A fingerprint is read with or without colons, in either case",
        arguments: [digest, digest.uppercased(), (0..<32).map { _ in "AB" }.joined(separator: ":"), " \(digest) "])
    func read(text: String) {
        #expect(CertificatePin(fingerprint: text) == CertificatePin(fingerprint: Self.digest))
        #expect(CertificatePin(fingerprint: text) != nil)
    }

    @Test(
        "Anything else is none",
        arguments: [
            "", "ab", digest + "a", String(digest.dropLast()), digest.replacing("a", with: "g"),
            digest.replacing("a", with: "１"),
        ])
    func refused(text: String) { #expect(CertificatePin(fingerprint: text) == nil) }

    @Test("A node with the pinned certificate is spoken to, by whatever name and without a root")
    func pinned() async throws {
        let certificate = try OwnCertificate()
        try await certificate.serve { address in
            let pin = try #require(CertificatePin(fingerprint: certificate.fingerprint))
            let reply = try await UpstreamClient(pin: pin).collect(UpstreamRequest(.GET, address, path: "/"))
            #expect(reply.status == 200)
        }
    }

    @Test("One with the same key is accepted if the pinned one follows it, and one with another key is not")
    func followed() throws {
        let (known, stranger) = (try OwnCertificate(), try OwnCertificate())
        let renewed = try known.renewed()
        let pin = try #require(CertificatePin(fingerprint: known.fingerprint))
        #expect(pin.accepts([known.der]))
        #expect(pin.accepts([renewed, known.der]))
        #expect(!pin.accepts([renewed]))
        #expect(!pin.accepts([stranger.der, known.der]), "everybody has the pinned certificate, and only one its key")
        #expect(!pin.accepts([]))
        #expect(!pin.accepts([[0x30], known.der]))
    }

    @Test("Another certificate than the pinned one is refused, and so is one that nobody vouches for")
    func others() async throws {
        let certificate = try OwnCertificate()
        try await certificate.serve { address in
            for client in [UpstreamClient(pin: CertificatePin(fingerprint: Self.digest)), UpstreamClient()] {
                let failure = await #expect(throws: ChatError.self) {
                    _ = try await client.collect(UpstreamRequest(.GET, address, path: "/"))
                }
                #expect(failure?.code == .unreachable)
                #expect(failure?.isTLSRefusal == true)
            }
        }
    }

    @Test("A certificate that an owner's own roots vouch for is accepted, and no other")
    func ownRoots() async throws {
        let certificate = try OwnCertificate()
        let (right, wrong) = (try TrustedRoots(pem: certificate.pem), try TrustedRoots(pem: OwnCertificate().pem))
        try await certificate.serve { address in
            let reply = try await UpstreamClient(roots: right).collect(UpstreamRequest(.GET, address, path: "/"))
            #expect(reply.status == 200)
            let failure = await #expect(throws: ChatError.self) {
                _ = try await UpstreamClient(roots: wrong).collect(UpstreamRequest(.GET, address, path: "/"))
            }
            #expect(failure?.isTLSRefusal == true)
        }
    }

    @Test("A file without a certificate has no roots", arguments: ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA"])
    func noRoots(text: String) {
        #expect(throws: TrustedRoots.Unreadable.self) { try TrustedRoots(pem: Array(text.utf8)) }
    }

    @Test("Where nobody listens, it is not the certificate's fault")
    func nobody() async throws {
        let failure = await #expect(throws: ChatError.self) {
            let address = HTTPAddress(scheme: .https, host: "127.0.0.1", port: 1)
            _ = try await UpstreamClient().collect(UpstreamRequest(.GET, address, path: "/"))
        }
        #expect(failure?.isTLSRefusal == false)
    }
}
