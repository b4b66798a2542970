// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithModel
import KithTesting
import KithTrust
import Testing

@Suite("Pairing messages")
struct PairingWireTests {
    private func decoded<Message: Codable>(_ message: Message) throws -> Message {
        try JSONDecoder().decode(Message.self, from: JSONEncoder().encode(message))
    }

    @Test("Two nodes pair through JSON")
    func roundTrip() throws {
        let scene = PairingScene()
        var attempt = scene.join(try scene.invite())
        let challenge = try scene.send(try decoded(attempt.hello)).get()
        let proof = try attempt.answer(try decoded(challenge), from: scene.inviter).get()
        let accepted = try scene.send(try decoded(proof)).get()
        let found = try attempt.conclude(try decoded(accepted.acceptance), from: scene.inviter).get()
        #expect(found.id == scene.inviter)
    }

    @Test(
        "What is too long or too short is not a message",
        arguments: [
            #"{"invitation":"AAAA","nonce":"AAAA"}"#, #"{"invitation":"","nonce":""}"#, #"{}"#, #"[]"#,
            #"{"invitation":1,"nonce":null}"#,
        ])
    func malformedHello(text: String) {
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(PairingHello.self, from: Data(text.utf8)) }
    }

    @Test("More addresses than are allowed are refused")
    func tooManyAddresses() {
        let list = (1...9).map { "\"10.0.0.\($0):1\"" }.joined(separator: ",")
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(PairingIntroduction.self, from: Data(#"{"addresses":[\#(list)]}"#.utf8))
        }
    }

    @Test("A spoilt proof is refused")
    func fuzz() throws {
        var next = UInt64(0)
        while next < 2_000 {
            let (scene, seed) = (PairingScene(seed: next), next)
            var attempt = scene.join(try scene.invite())
            let proof = try scene.proof(by: &attempt)
            let sound = Array(try JSONEncoder().encode(proof))
            // What nobody can read is never sent, so that the next one finds everything as it was.
            var read: PairingProof?
            while read == nil, next < 2_000 {
                let spoilt = Mutations.spoil(sound, using: &scene.generator)
                read = try? JSONDecoder().decode(PairingProof.self, from: Data(spoilt))
                next += 1
            }
            if let read, case .success = scene.send(read) { #expect(read == proof, "seed \(seed)") }
        }
    }

    @Test("Every refusal has a sentence and survives the wire", arguments: PairingRefusal.allCases)
    func refusals(refusal: PairingRefusal) throws {
        #expect(refusal.description.hasSuffix("."))
        #expect(try decoded([refusal]) == [refusal])
    }
}
