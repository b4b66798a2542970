// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import KithTrust
import Testing

@Suite("Client keys")
struct KeyRingTests {
    private let now = WallTime(milliseconds: 1_772_366_400_000)
    private let key: ClientKey
    private let record: ClientKeyRecord
    private var text: String { key.text.reveal() }

    init() {
        var generator = SeededGenerator(seed: 1)
        key = ClientKey(using: &generator)
        record = key.record(name: "editor", scopes: [.chat, .assist], createdAt: now)
    }

    @Test("A key is kith_, eight characters, and 52 that are secret")
    func form() {
        let parts = text.split(separator: "_")
        #expect(parts.map(\.utf8.count) == [4, 8, 52])
        #expect(parts[1] == key.id)
        #expect(text.utf8.allSatisfy { $0 == UInt8(ascii: "_") || Base32.normalised($0) != nil })
        #expect(text == text.lowercased())
    }

    @Test("No two keys are the same")
    func distinct() {
        let keys = (0..<1_000).map { _ in ClientKey() }
        #expect(Set(keys.map(\.id)).count == 1_000)
        #expect(Set(keys.map { $0.text.reveal() }).count == 1_000)
    }

    @Test("It is granted to whoever shows it, with its scopes")
    func granted() {
        let ring = KeyRing([record])
        #expect(ring.check(text.utf8, now: now) == .granted(record))
        #expect(ring.check(Array(text.utf8), now: now) == .granted(record))
        #expect(ring.check(("Bearer " + text).utf8.dropFirst(7), now: now) == .granted(record))
        #expect(ring.check(AnyCollection(Array(text.utf8)), now: now) == .granted(record))
    }

    @Test("What is no key is malformed")
    func malformed() {
        let ring = KeyRing([record])
        let shouted = "kith_" + text.dropFirst(5).uppercased()
        for wrong in ["", "kith_", String(text.dropLast()), text + "a", "x" + text.dropFirst(), shouted] {
            #expect(ring.check(wrong.utf8, now: now) == .refused(.malformed, keyID: nil), "\(wrong)")
        }
    }

    @Test("Another key is unknown, and another secret is wrong")
    func wrong() {
        let ring = KeyRing([record])
        var generator = SeededGenerator(seed: 2)
        let other = ClientKey(using: &generator).text.reveal()
        #expect(ring.check(other.utf8, now: now) == .refused(.unknown, keyID: nil))
        let mixed = "kith_\(key.id)_\(other.suffix(52))"
        #expect(ring.check(mixed.utf8, now: now) == .refused(.wrongSecret, keyID: key.id))
        #expect(KeyRing().check(text.utf8, now: now) == .refused(.unknown, keyID: nil))
    }

    @Test("Every single changed character is refused")
    func everyCharacter() {
        let ring = KeyRing([record])
        for place in 0..<text.utf8.count {
            var bytes = Array(text.utf8)
            bytes[place] = bytes[place] == UInt8(ascii: "a") ? UInt8(ascii: "b") : UInt8(ascii: "a")
            guard case .refused = ring.check(bytes, now: now) else {
                Issue.record("granted with another character at \(place)")
                continue
            }
        }
    }

    @Test("A key expires")
    func expiry() {
        var record = record
        record.expiresAt = now.advanced(by: .seconds(60))
        let ring = KeyRing([record])
        #expect(ring.check(text.utf8, now: now.advanced(by: .seconds(59))) == .granted(record))
        #expect(
            ring.check(text.utf8, now: now.advanced(by: .seconds(60))) == .refused(.expired, keyID: key.id))
    }

    @Test("A revoked key is refused from then on, whatever the clock says")
    func revocation() {
        var ring = KeyRing([record])
        let revoked = ring.revoke(key.id, at: now)
        #expect(revoked?.revokedAt == now)
        #expect(ring.check(text.utf8, now: .epoch) == .refused(.revoked, keyID: key.id))
        let again = ring.revoke(key.id, at: now.advanced(by: .seconds(1)))
        #expect(again?.revokedAt == now)
        let unknown = ring.revoke("aaaaaaaa", at: now)
        #expect(unknown == nil)
        #expect(ring.records.map(\.revokedAt) == [now])
        #expect(KeyRing(ring.records).check(text.utf8, now: now) == .refused(.revoked, keyID: key.id))
    }

    @Test("Only who knows the secret learns that a key expired or was revoked")
    func discretion() {
        var ring = KeyRing([record])
        _ = ring.revoke(key.id, at: now)
        let guess = "kith_\(key.id)_" + String(repeating: "a", count: 52)
        #expect(ring.check(guess.utf8, now: now) == .refused(.wrongSecret, keyID: key.id))
    }

    @Test("A ring holds a thousand keys, each once, and none that is unsound")
    func bounds() {
        var ring = KeyRing([record])
        let repeated = ring.add(record)
        #expect(repeated == .duplicate)
        var unsound = record
        unsound.id = "short"
        let refused = ring.add(unsound)
        #expect(refused == .unsound)
        unsound = ClientKey().record(name: "", scopes: [], createdAt: now)
        unsound.digest.removeLast()
        let cut = ring.add(unsound)
        #expect(cut == .unsound)
        for _ in 1..<KeyRing.limit { _ = ring.add(ClientKey().record(name: "", scopes: [], createdAt: now)) }
        let beyond = ring.add(ClientKey().record(name: "", scopes: [], createdAt: now))
        #expect(beyond == .full)
        #expect(ring.records.count == KeyRing.limit)
        ring.remove(key.id)
        #expect(ring.records.count == KeyRing.limit - 1)
    }

    @Test("Printed by accident, a key does not give its secret away")
    func printing() {
        var dumped = ""
        dump(key, to: &dumped)
        let shown = dumped + "\(key)" + String(reflecting: key) + "\(key.text)"
        #expect(!shown.contains(text.suffix(52)))
        #expect(shown.contains(key.id))
    }

    @Test("Spoilt keys are refused")
    func fuzz() {
        let ring = KeyRing([record])
        for seed in UInt64(0)..<3_000 {
            var generator = SeededGenerator(seed: seed)
            let spoilt = Mutations.spoil(Array(text.utf8), using: &generator)
            guard spoilt != Array(text.utf8) else { continue }
            if case .granted = ring.check(spoilt, now: now) { Issue.record("seed \(seed)") }
        }
    }
}
