// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithModel
import KithTesting
import KithTrust
import SystemPackage
import Testing

@Suite("A node's identity")
struct NodeIdentityTests {
    private let folder: TemporaryFolder
    private let now = WallTime(milliseconds: 1_772_366_400_000)
    private var place: FilePath { folder.path.appending("state/identity") }

    init() throws { folder = try TemporaryFolder() }

    private func open(expecting id: NodeID? = nil) throws -> NodeIdentity {
        try NodeIdentity.open(folder: place, expected: id, now: now)
    }

    @Test("It is made on the first start, readable by its owner only, and is the same on the second")
    func firstStart() throws {
        let first = try open()
        #expect(try folder.names(in: "state") == ["identity"])
        #expect(try folder.names(in: "state/identity") == ["certificate.pem", "key.pem"])
        #expect(try folder.mode(of: "state/identity") == 0o700)
        #expect(try folder.mode(of: "state/identity/key.pem") == 0o600)
        #expect(try folder.mode(of: "state/identity/certificate.pem") == 0o600)

        let second = try open(expecting: first.id)
        #expect(second.id == first.id)
        #expect(second.fingerprint == first.fingerprint)
        #expect(first.fingerprint.utf8.count == 64)
    }

    @Test("An empty folder made beforehand counts as nothing")
    func emptyFolder() throws {
        try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
        try folder.setMode(0o700, of: "state/identity")
        _ = try open()
    }

    @Test("Two nodes have two ids")
    func distinct() throws {
        let other = try NodeIdentity.open(folder: folder.path.appending("other"), expected: nil, now: now)
        #expect(try open().id != other.id)
    }

    @Test("What it signs, its public key verifies, and nothing else")
    func signature() throws {
        let identity = try open()
        let signature = try identity.sign(Array("a statement".utf8))
        let key = try #require(NodePublicKey(identity.publicKey.bytes))
        #expect(key.id == identity.id)
        #expect(key.verifies(signature, of: Array("a statement".utf8)))
        #expect(!key.verifies(signature, of: Array("another".utf8)))
        #expect(!key.verifies(signature.dropLast(), of: Array("a statement".utf8)))
        #expect(!key.verifies([UInt8](repeating: 0, count: 64), of: Array("a statement".utf8)))
    }

    @Test("A public key is 65 bytes on the curve")
    func publicKeyForm() throws {
        let identity = try open()
        var bytes = identity.publicKey.bytes
        #expect(bytes.count == NodePublicKey.length)
        bytes[40] ^= 1
        #expect(NodePublicKey(bytes) == nil)
        #expect(NodePublicKey(bytes.dropLast()) == nil)
        #expect(NodePublicKey([UInt8](repeating: 0, count: 65)) == nil)
    }

    @Test("Neither its description nor its reflection holds the key")
    func printing() throws {
        let identity = try open()
        var dumped = ""
        dump(identity, to: &dumped)
        let shown = dumped + String(describing: identity) + String(reflecting: identity) + "\(identity)"
        #expect(shown.contains(identity.id.description))
        #expect(!shown.lowercased().contains("key"))
    }

    // MARK: - What is refused

    enum Damage: String, CaseIterable, Sendable {
        case noKey, noCertificate, neither, readableKey, writableFolder, emptyKey, halfKey, hugeKey, noise, otherPEM
        case halfCertificate, hugeCertificate, certificateOfAnother, fileOfAnother, folderInsteadOfKey

        var code: IdentityError.Code {
            switch self {
            case .noKey, .neither: .keyMissing
            case .noCertificate: .certificateMissing
            case .readableKey, .writableFolder: .exposed
            case .emptyKey, .halfKey, .halfCertificate: .truncated
            case .hugeKey, .hugeCertificate: .oversized
            case .noise: .notPEM
            case .otherPEM: .damaged
            case .certificateOfAnother: .mismatch
            case .fileOfAnother: .otherIdentity
            case .folderInsteadOfKey: .unreadable
            }
        }
    }

    @Test(
        "Files that are missing, damaged or open to others are refused with what to do, and left alone",
        arguments: Damage.allCases)
    func damaged(by damage: Damage) throws {
        let before = try open()
        try inflict(damage)
        let names = try folder.names(in: "state/identity")
        let error = #expect(throws: IdentityError.self) { try open(expecting: before.id) }
        #expect(error?.code == damage.code)
        #expect(error?.message.contains(place.string) == true)
        #expect(error?.fix.isEmpty == false)
        #expect(try folder.names(in: "state/identity") == names)
        if damage == .readableKey {
            #expect(error?.fix.contains("chmod 600 '\(place)/key.pem'") == true)
        }
    }

    private func inflict(_ damage: Damage) throws {
        let key = "state/identity/key.pem"
        let certificate = "state/identity/certificate.pem"
        let other = try NodeIdentity.open(folder: folder.path.appending("other"), expected: nil, now: now)
        #expect(other.id.digest.count == 32)
        switch damage {
        case .noKey: try folder.remove(key)
        case .noCertificate: try folder.remove(certificate)
        case .neither:
            try folder.remove(key)
            try folder.remove(certificate)
        case .readableKey: try folder.setMode(0o640, of: key)
        case .writableFolder: try folder.setMode(0o770, of: "state/identity")
        case .emptyKey: try folder.write("", to: key)
        case .halfKey: try folder.write(String(try folder.text(key).prefix(90)), to: key)
        case .hugeKey: try folder.write(String(repeating: "A", count: 20_000), to: key)
        case .noise: try folder.write("no key at all", to: key)
        case .otherPEM: try folder.write(try folder.text(certificate), to: key)
        case .halfCertificate: try folder.write(String(try folder.text(certificate).prefix(90)), to: certificate)
        case .hugeCertificate: try folder.write(String(repeating: "A", count: 20_000), to: certificate)
        case .certificateOfAnother: try folder.write(try folder.text("other/certificate.pem"), to: certificate)
        case .fileOfAnother:
            try folder.write(try folder.text("other/certificate.pem"), to: certificate)
            try folder.write(try folder.text("other/key.pem"), to: key)
        case .folderInsteadOfKey:
            try folder.remove(key)
            try FileManager.default.createDirectory(
                atPath: place.appending("key.pem").string, withIntermediateDirectories: false,
                attributes: [.posixPermissions: 0o700])
        }
    }

    @Test("Half an identity is refused even by a node that remembers none")
    func halfWithoutMemory() throws {
        _ = try open()
        try folder.remove("state/identity/key.pem")
        let error = #expect(throws: IdentityError.self) { try open() }
        #expect(error?.code == .keyMissing)
    }

    @Test("A place that cannot be written is named")
    func unwritable() throws {
        try folder.write("", to: "state")
        let error = #expect(throws: IdentityError.self) { try open() }
        #expect(error?.code == .unreadable || error?.code == .unwritable)
        #expect(error?.description.contains("state") == true)
    }

    @Test("Spoilt files never become another identity")
    func fuzz() throws {
        let id = try open().id
        let names = ["state/identity/key.pem", "state/identity/certificate.pem"]
        let whole = try names.map { try folder.text($0) }
        for seed in UInt64(0)..<300 {
            var generator = SeededGenerator(seed: seed)
            let which = Int.random(in: 0..<2, using: &generator)
            let spoilt = Mutations.spoil(Array(whole[which].utf8), using: &generator)
            try Data(spoilt).write(to: URL(filePath: folder.path.appending(names[which]).string))
            do {
                #expect(try open(expecting: id).id == id, "seed \(seed)")
            } catch {
                #expect(error is IdentityError, "seed \(seed)")
                #expect(!"\(error)".contains("PRIVATE"), "seed \(seed)")
            }
            try folder.write(whole[which], to: names[which])
        }
    }

    // MARK: - Renewal

    @Test("Renewing keeps the old files beside the new ones")
    func renewal() throws {
        let old = try open()
        let oldKey = try folder.text("state/identity/key.pem")
        let (fresh, kept) = try NodeIdentity.renew(folder: place, now: now)
        #expect(fresh.id != old.id)
        #expect(try open(expecting: fresh.id).id == fresh.id)
        let name = "old-\(old.id.short)-20260301T120000"
        #expect(kept == place.appending(name))
        #expect(try folder.names(in: "state/identity") == ["certificate.pem", "key.pem", name])
        #expect(try folder.text("state/identity/\(name)/key.pem") == oldKey)
        #expect(try folder.mode(of: "state/identity/\(name)") == 0o700)
        #expect(try folder.mode(of: "state/identity/key.pem") == 0o600)
    }

    @Test("What is damaged or missing can be renewed")
    func renewalOfDamaged() throws {
        _ = try open()
        try folder.write("noise", to: "state/identity/key.pem")
        try folder.remove("state/identity/certificate.pem")
        let (_, kept) = try NodeIdentity.renew(folder: place, now: now)
        #expect(kept?.lastComponent?.string == "old-unknown-20260301T120000")
        let (_, second) = try NodeIdentity.renew(folder: folder.path.appending("nothing"), now: now)
        #expect(second == nil)
    }
}
