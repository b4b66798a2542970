// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithModel
import KithTesting
import KithTrust
import Testing

@Suite("Pairing")
struct PairingTests {
    private let scene = PairingScene()

    @Test("Both sides end up with each other's id, the tier, names and addresses", arguments: Tier.allCases)
    func agreement(tier: Tier) throws {
        var attempt = scene.join(try scene.invite(tier))
        let proof = try scene.proof(by: &attempt)
        let (peer, acceptance) = try scene.send(proof).get()
        #expect(peer.id == scene.joiner)
        #expect(peer.tier == tier)
        #expect(peer.introduction == scene.joinerSays)

        let found = try attempt.conclude(acceptance, from: scene.inviter).get()
        #expect(found.id == scene.inviter)
        #expect(found.tier == tier)
        #expect(found.introduction == scene.inviterSays)
    }

    // MARK: - Codes that do not work

    @Test("A code works once")
    func reuse() throws {
        let code = try scene.invite()
        var attempt = scene.join(code)
        _ = try scene.send(try scene.proof(by: &attempt)).get()
        let again = scene.join(code)
        #expect(scene.send(again.hello).failure == .alreadyUsed)
        #expect(scene.send(again.hello, from: scene.stranger).failure == .alreadyUsed)
    }

    @Test("Of two that try at the same time with one code, one gets in")
    func race() throws {
        let code = try scene.invite()
        var (first, second) = (scene.join(code), scene.join(code, as: scene.stranger))
        let proof = try scene.proof(by: &first)
        let challenge = try scene.send(second.hello, from: scene.stranger).get()
        let late = try second.answer(challenge, from: scene.inviter).get()
        _ = try scene.send(proof).get()
        #expect(scene.send(late, from: scene.stranger).failure == .alreadyUsed)
    }

    @Test("A code expires, before the first message and before the proof")
    func expiry() throws {
        let code = try scene.invite(lifetime: .seconds(20))
        scene.now = scene.now + .seconds(19)
        var attempt = scene.join(code)
        let proof = try scene.proof(by: &attempt)
        scene.now = scene.now + .seconds(1)
        #expect(scene.send(proof).failure == .expired)
        #expect(scene.send(scene.join(code).hello).failure == .expired)
    }

    @Test("No code lives longer than a day")
    func longestLifetime() throws {
        let code = try scene.invite(lifetime: .seconds(1_000_000))
        scene.now = scene.now + .seconds(24 * 3_600)
        #expect(scene.send(scene.join(code).hello).failure == .expired)
    }

    @Test("A code of another node is unknown")
    func unknown() throws {
        let other = PairingScene(seed: 2)
        let code = try other.invite()
        #expect(scene.send(scene.join(code).hello).failure == .unknownInvitation)
    }

    @Test("A code that was withdrawn is unknown")
    func withdrawal() throws {
        let code = try scene.invite()
        #expect(scene.invitations.open(now: scene.now).map(\.id) == [code.invitation])
        let withdrawn = (1...2).map { _ in scene.invitations.withdraw(code.invitation, now: scene.now) }
        #expect(withdrawn == [true, false])
        #expect(scene.invitations.open(now: scene.now).isEmpty)
        #expect(scene.send(scene.join(code).hello).failure == .unknownInvitation)
    }

    @Test("A node cannot join itself")
    func ownCode() throws {
        let code = try scene.invite()
        var attempt = scene.join(code, as: scene.inviter)
        #expect(scene.send(attempt.hello, from: scene.inviter).failure == .ownCode)
        let challenge = try scene.send(attempt.hello).get()
        let answer = attempt.answer(challenge, from: scene.inviter)
        #expect(answer.failure == .ownCode)
    }

    @Test("Five wrong proofs spoil a code, four do not", arguments: [4, 5])
    func wrongProofs(count: Int) throws {
        let code = try scene.invite()
        for number in 0..<count {
            let proof = try scene.wrongProof(with: code, source: "10.0.1.\(number)")
            #expect(scene.send(proof).failure == .wrongProof)
        }
        #expect(scene.send(scene.join(code).hello).failure == (count == 5 ? .spoilt : nil))
    }

    @Test("Challenges that were given before a code was spoilt do not help")
    func parallelGuesses() throws {
        let code = try scene.invite()
        var honest = scene.join(code)
        let proof = try scene.proof(by: &honest)
        for number in 0..<5 {
            let wrong = try scene.wrongProof(with: code, source: "10.0.1.\(number)")
            #expect(scene.send(wrong).failure == .wrongProof)
        }
        #expect(scene.send(proof).failure == .spoilt)
    }

    // MARK: - Replays and people in the middle

    @Test("A proof works once, for the node that made it, against its own challenge")
    func replay() throws {
        let code = try scene.invite()
        var attempt = scene.join(code)
        let proof = try scene.proof(by: &attempt)
        #expect(scene.send(proof, from: scene.stranger).failure == .replayed)
        _ = try scene.send(proof).get()
        #expect(scene.send(proof).failure == .replayed)

        let fresh = try scene.invite()
        let challenge = try scene.send(scene.join(fresh).hello).get()
        var replayed = proof
        replayed.challenge = challenge.nonce
        #expect(scene.send(replayed).failure == .wrongProof)
    }

    @Test("A challenge waits for 30 seconds")
    func lateProof() throws {
        let code = try scene.invite()
        var attempt = scene.join(code)
        let proof = try scene.proof(by: &attempt)
        scene.now = scene.now + InvitationStore.challengeLifetime
        #expect(scene.send(proof).failure == .challengeExpired)
    }

    @Test("Whoever sits in the middle has another id, and the joiner stops")
    func middleSeenByJoiner() throws {
        var attempt = scene.join(try scene.invite())
        let challenge = try scene.send(attempt.hello, from: scene.stranger).get()
        let first = attempt.answer(challenge, from: scene.stranger)
        #expect(first.failure == .otherNode)
        let again = attempt.answer(challenge, from: scene.inviter)
        #expect(again.failure == .replayed)
    }

    @Test("A proof that somebody in the middle passes on does not fit that one's id")
    func middleSeenByInviter() throws {
        var attempt = scene.join(try scene.invite())
        let challenge = try scene.send(attempt.hello, from: scene.stranger).get()
        let proof = try attempt.answer(challenge, from: scene.inviter).get()
        #expect(scene.send(proof, from: scene.stranger).failure == .wrongProof)
    }

    @Test("An inviter that does not know the secret is not trusted")
    func impostor() throws {
        let code = try scene.invite()
        var attempt = scene.join(code)
        let proof = try scene.proof(by: &attempt)
        let forged = PairingAcceptance(mac: proof.mac, introduction: scene.inviterSays)
        let verdict = attempt.conclude(forged, from: scene.inviter)
        #expect(verdict.failure == .wrongProof)
        let acceptance = try scene.send(proof).get().acceptance
        let again = attempt.conclude(acceptance, from: scene.inviter)
        #expect(again.failure == .replayed)
    }

    @Test("An acceptance before the challenge is out of order")
    func outOfOrder() throws {
        var attempt = scene.join(try scene.invite())
        let nonce = attempt.hello.nonce
        let early = PairingAcceptance(mac: nonce, introduction: scene.inviterSays)
        let again = attempt.conclude(early, from: scene.inviter)
        #expect(again.failure == .replayed)
    }

    enum Field: CaseIterable, Sendable { case mac, challenge, name, addresses, order, tier }

    @Test("Whatever is changed in a proof, it no longer fits", arguments: Field.allCases)
    func tamperedProof(field: Field) throws {
        let code = try scene.invite(.kith)
        var attempt = scene.join(code)
        var proof = try scene.proof(by: &attempt)
        let says = proof.introduction
        switch field {
        case .mac: proof.mac = proof.challenge
        case .challenge: proof.challenge = proof.mac
        case .name: proof.introduction = PairingIntroduction(name: nil, addresses: says.addresses)
        case .addresses: proof.introduction = PairingIntroduction(name: says.name, addresses: [])
        case .order: proof.introduction = PairingIntroduction(name: says.name, addresses: says.addresses.reversed())
        case .tier: proof = try proofForOtherTier(code)
        }
        #expect(scene.send(proof).failure == (field == .challenge ? .replayed : .wrongProof))
    }

    /// What a joiner sends whose copy of the code had its tier changed from kith to kin.
    private func proofForOtherTier(_ code: PairingCode) throws -> PairingProof {
        var bytes = try #require(Base32.decode(code.text.utf8.filter { $0 != UInt8(ascii: "-") })).dropLast(2)
        bytes[0] ^= 8
        let changed = try PairingCode.read(TestDigest.packed(Array(bytes))).get()
        try #require(changed.tier == .kin)
        var attempt = scene.join(changed)
        return try scene.proof(by: &attempt)
    }

    @Test("Whatever is changed in an acceptance, it no longer fits", arguments: [Field.mac, .name, .addresses])
    func tamperedAcceptance(field: Field) throws {
        var attempt = scene.join(try scene.invite())
        var acceptance = try scene.send(try scene.proof(by: &attempt)).get().acceptance
        let says = acceptance.introduction
        switch field {
        case .mac: acceptance.mac = attempt.hello.nonce
        case .name: acceptance.introduction = PairingIntroduction(name: nil, addresses: says.addresses)
        default: acceptance.introduction = PairingIntroduction(name: says.name, addresses: [])
        }
        let verdict = attempt.conclude(acceptance, from: scene.inviter)
        #expect(verdict.failure == .wrongProof)
    }

    // MARK: - Bounds

    @Test("Sixteen codes may be out at once")
    func openInvitations() throws {
        for _ in 0..<InvitationStore.openLimit { _ = try scene.invite(lifetime: .seconds(60)) }
        #expect(throws: PairingRefusal.tooManyInvitations) { try scene.invite() }
        scene.now = scene.now + .seconds(60)
        _ = try scene.invite()
        #expect(scene.invitations.open(now: scene.now).count == 1)
    }

    @Test("An address may try ten times a minute without an invitation")
    func attemptsOfOneAddress() throws {
        let foreign = try PairingScene(seed: 2).invite()
        for _ in 0..<10 { #expect(scene.send(scene.join(foreign).hello).failure == .unknownInvitation) }
        #expect(scene.send(scene.join(foreign).hello).failure == .tooManyAttempts)
        #expect(scene.send(scene.join(foreign).hello, source: "10.0.0.3").failure == .unknownInvitation)
        scene.now = scene.now + .seconds(60)
        #expect(scene.send(scene.join(foreign).hello).failure == .unknownInvitation)
    }

    @Test("Who names an open invitation is not counted among the attempts of its address")
    func attemptsOfInvited() throws {
        let foreign = try PairingScene(seed: 2).invite()
        let code = try scene.invite()
        for _ in 0..<10 { #expect(scene.send(scene.join(foreign).hello).failure == .unknownInvitation) }
        for _ in 0..<24 { #expect(scene.send(scene.join(code).hello).failure == nil) }
        #expect(scene.send(scene.join(foreign).hello).failure == .tooManyAttempts)
        #expect(scene.send(scene.join(code).hello).failure == nil)
    }

    @Test("Strangers may try sixty times a minute in all, and do not keep out the one that was invited")
    func attemptsOfStrangers() throws {
        let other = PairingScene(seed: 2)
        let (foreign, code) = (try other.invite(), try scene.invite())
        for number in 0..<60 {
            let hello = scene.join(foreign).hello
            #expect(scene.send(hello, source: "10.0.1.\(number)").failure == .unknownInvitation)
        }
        #expect(scene.send(scene.join(foreign).hello, source: "10.0.2.1").failure == .tooManyAttempts)
        var attempt = scene.join(code)
        _ = try scene.send(try scene.proof(by: &attempt)).get()
    }

    @Test("Whoever knows the name of an invitation keeps others neither from it nor from another")
    func openChallenges() throws {
        let (code, other) = (try scene.invite(), try scene.invite())
        var (first, slow) = (scene.join(other), scene.join(code))
        let challenge = try scene.send(first.hello).get()
        let late = try scene.send(slow.hello).get()
        for number in 0..<500 {
            #expect(scene.send(scene.join(code).hello, source: "10.0.1.\(number)").failure == nil)
        }
        let proof = try first.answer(challenge, from: scene.inviter).get()
        #expect(scene.send(proof).failure == nil, "of another invitation")
        let old = try slow.answer(late, from: scene.inviter).get()
        #expect(scene.send(old).failure == .replayed, "the oldest were put out")
        var quick = scene.join(code)
        #expect(scene.send(try scene.proof(by: &quick)).failure == nil)
    }
}
