// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@Suite("References to secrets in Vault")
struct VaultReferenceTests {
    @Test(
        "A path and a field are read",
        arguments: [
            ("vault:secret/data/kith#openai_key", "secret/data/kith", "openai_key"),
            ("vault:team/kv/data/a/b.c#K-1", "team/kv/data/a/b.c", "K-1"),
        ])
    func read(text: String, path: String, field: String) throws {
        let reference = try VaultReference(text)
        #expect(reference.path == path)
        #expect(reference.field == field)
        #expect(reference.description == text)
    }

    @Test(
        "What is no reference is refused in words",
        arguments: [
            ("secret/data/kith#k", "begins with vault:"), ("vault:", "the name of one field"),
            ("vault:secret/data/kith", "the name of one field"), ("vault:secret/data/kith#", "the name of one field"),
            ("vault:secret/data/kith#a#b", "the name of one field"), ("vault:secret/data/kith#a b", "has a field of"),
            ("vault:/secret/data/kith#k", "single slashes"), ("vault:secret/data/../x#k", "single slashes"),
            ("vault:secret/data/kith?x=1#k", "single slashes"), ("vault:v1/secret/data/kith#k", "without v1/"),
            ("vault:secret/kith#k", "has data after its mount"), ("vault:data/kith#k", "has data after its mount"),
            ("vault:secret/data#k", "has data after its mount"),
        ])
    func malformed(text: String, words: String) {
        let problem = #expect(throws: VaultReference.Malformed.self) { try VaultReference(text) }
        #expect(problem?.description.contains(words) == true)
    }

    @Test("Spoilt references are read or refused without harm", arguments: 1...4 as ClosedRange<UInt64>)
    func fuzz(seed: UInt64) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<1_000 {
            let bytes = Mutations.spoil(Array("vault:secret/data/kith#openai_key".utf8), using: &generator)
            guard let reference = try? VaultReference(String(decoding: bytes, as: UTF8.self)) else { continue }
            #expect(reference.path.utf8.allSatisfy { (0x21...0x7E).contains($0) })
            #expect(!reference.path.split(separator: "/").contains(".."))
        }
    }

    @Test("A secret that is its own source stays what it is, and knows of no newer one")
    func fixed() throws {
        let source: any SecretSource = SecretSetting.value(Secret("k")).source(from: nil)
        #expect(try source.current() == Secret("k"))
        #expect(!source.refused(Secret("k")))
    }

    @Test("A secret in Vault that nobody reads is a problem in words")
    func unread() throws {
        let source = SecretSetting.vault(try VaultReference("vault:secret/data/kith#k")).source(from: nil)
        let problem = #expect(throws: SecretError.self) { try source.current() }
        #expect(problem?.message.contains("in Vault") == true)
    }
}
