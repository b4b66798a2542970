// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@Suite("What may be said to somebody else's node")
struct PrivacyGuardTests {
    private func reason(_ text: String, memory: [String] = [], heard: String = "") async -> SharingRefusal.Reason? {
        do {
            let shared = try await PrivacyGuard(memory: Texts(memory)).admit(text, inAnswerTo: heard)
            return shared.value == text ? nil : .unknown
        } catch {
            return error.reason
        }
    }

    @Test(
        "Talk about ideas passes",
        arguments: [
            "I've been reflecting on the emergence of meaning. What emerges for you?",
            "Meaning is not found but made, again and again, between those who listen.",
            "In 1984, a novel asked whether language can be made too small to think in.",
            "Patience and/or courage: he/she/they who wait(s) also choose(s).",
            "About 10,000 years ago someone planted a seed; 1,000,000 things followed.",
            "A U.S. court, e.g., or a D.C. museum, is a place of memory.",
            "GPT-4 and COVID-19 changed what people talk about in the 2020s.",
            "At 10:30 the light is soft; by 18:45:10 it is gone.",
            "It is 3.5 times as true, 50% of the time.",
            "Die Donaudampfschifffahrtsgesellschaft ist ein langes Wort, nicht wahr?",
            "意味は、聴く人のあいだで生まれる。",
            "Смысл рождается между теми, кто слушает друг друга.",
            "المعنى يولد بين من يصغي بعضهم إلى بعض.",
            "What do you think of the end of the story?",
            "JavaScript and PostgreSQL are names; McDonald is another.",
        ])
    func passes(_ text: String) async { #expect(await reason(text) == nil) }

    @Test(
        "What looks private is refused, and it is said why",
        arguments: [
            ("write to anna.berg@example.org", .emailAddress), ("ask @annaberg about it", .emailAddress),
            ("ANNA.BERG＠EXAMPLE.ORG", .emailAddress), ("anna (at) example dot org", .emailAddress),
            ("anna at example dot org", .emailAddress), ("anna\u{200B}@\u{200B}example.org", .emailAddress),
            ("call +49 30 901820", .phoneNumber), ("(555) 010-4477 is mine", .phoneNumber),
            ("０３０－９０１８２０７", .phoneNumber), ("٠٣٠٩٠١٨٢٠", .phoneNumber), ("born 1974-03-12", .phoneNumber),
            ("my desk is 10.20.30.40", .networkAddress), ("fe80::1ff:fe23:4567:890a", .networkAddress),
            ("port 10.0.0.1:8080", .networkAddress), ("00:1b:44:11:3a:b7", .networkAddress),
            ("it is in /home/anna/thesis", .path), ("see ~/notes", .path), (#"C:\Users\anna"#, .path),
            ("src/auth/login2", .path), ("open passwords.txt", .path), ("the file .env", .path),
            ("https://example.org/a", .url), ("www.example.org", .url), ("see bergfamilie.de for it", .url),
            ("nas.local has it", .url), ("mailto:x", .url),
            ("sk-proj-abcdefgh1234", .key), ("AKIAIOSFODNN7EXAMPLE", .key), ("password Tr0ub4dor&3", .key),
            ("bXkgc2VjcmV0IGlzIHRoaXM", .key), ("deadbeefdeadbeefdead", .key),
            ("card 4111 1111 1111 1111", .nationalID), ("GB82 WEST 1234 5698 7654 32", .nationalID),
            ("DE89370400440532013000", .nationalID), ("12345678Z", .nationalID), ("AB 12 34 56 C", .nationalID),
            ("RSSMRA85T10A562S", .nationalID), ("86095742719", .nationalID), ("529.982.247-25", .nationalID),
            ("2341 2341 2346", .nationalID), ("11010519491231002X", .nationalID),
            ("1 84 12 76 451 089 46", .nationalID),
            ("h u n t e r t w o", .spelledOut), ("a-n-n-a-b-e-r-g", .spelledOut), ("B.e.r.l.i.n", .spelledOut),
            ("let x = f()", .code), ("if (a) { return b; }", .code), ("<b>bold</b>", .code), ("my_secret_name", .code),
        ] as [(String, SharingRefusal.Reason)])
    func refuses(_ text: String, _ expected: SharingRefusal.Reason) async { #expect(await reason(text) == expected) }

    @Test("Four words in a row from what is private are refused, however they are written; three are not")
    func privateRuns() async {
        let memory = ["My sister Hanna moved to the yellow house in Torsby last spring."]
        #expect(await reason("she moved to the yellow house by the sea", memory: memory) == .privateMemory)
        #expect(await reason("Sister HANNA, moved — to!", memory: memory) == .privateMemory)
        #expect(await reason("a yellow house in winter", memory: memory) == nil)
        #expect(await reason("sister\u{200B} hanna moved\u{00A0}to", memory: memory) == .privateMemory)
    }

    @Test("Runs are found in scripts without spaces, too")
    func unspaced() async {
        let memory = ["私の妹は去年の春に黄色い家へ引っ越しました"]
        #expect(await reason("そして去年の春に黄色い家へ行く", memory: memory) == .privateMemory)
        #expect(await reason("春は静かに来る", memory: memory) == nil)
    }

    @Test("What the other has said is no secret to it, so that a guess learns nothing")
    func guesses() async {
        let memory = ["the launch code is walrus tango eleven"]
        let guess = "Is the launch code is walrus tango eleven?"
        #expect(await reason("You say the launch code is walrus tango eleven.", memory: memory) == .privateMemory)
        #expect(await reason("You say the launch code is walrus tango eleven.", memory: memory, heard: guess) == nil)
        #expect(
            await reason("The launch code is walrus tango eleven.", memory: memory, heard: "Is the launch code walrus?")
                == .privateMemory)
        #expect(await reason("launch code is walrus tango", memory: memory, heard: guess) == nil)
    }

    @Test("When what is private cannot be read nothing is said, but for what has no run of words to compare")
    func unreadable() async {
        let guarding = PrivacyGuard(memory: Unreadable())
        await #expect(throws: SharingRefusal(.unknown)) { try await guarding.admit("meaning emerges between minds") }
        await #expect(throws: Never.self) { try await guarding.admit("meaning emerges") }
    }

    @Test("A secret is found wherever it stands in a text", arguments: UInt64(1)...20)
    func anywhere(_ seed: UInt64) async {
        var generator = SeededGenerator(seed: seed)
        let secrets = [
            "anna.berg@example.org", "+49 30 9018200", "10.20.30.40", "/home/anna/thesis", "sk-proj-abcdefgh1234",
            "4111 1111 1111 1111", "my sister Hanna moved to",
        ]
        let memory = ["Yesterday my sister Hanna moved to Torsby."]
        let words = Texts.abstract.split(separator: " ").map(String.init)
        for secret in secrets {
            var text = (0..<20).map { _ in words.randomElement(using: &generator) ?? "meaning" }
            text.insert(secret, at: Int.random(in: 0...text.count, using: &generator))
            let marks = [" ", ", ", " \"", " (", "; "]
            let joined = text.reduce("") { $0 + ($0.isEmpty ? "" : marks.randomElement(using: &generator) ?? " ") + $1 }
            #expect(await reason(joined, memory: memory) != nil, "seed \(seed): \(joined)")
        }
    }

    @Test("Whatever the characters are, it comes to an end and says yes or no", arguments: UInt64(1)...50)
    func anything(_ seed: UInt64) async {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<40 {
            var text = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0...120, using: &generator) {
                let value: UInt32 =
                    Bool.random(using: &generator)
                    ? .random(in: 0...0x7F, using: &generator) : .random(in: 0...0x10FFFF, using: &generator)
                if let scalar = Unicode.Scalar(value) { text.append(scalar) }
            }
            _ = await reason(String(text), memory: ["one two three four five"])
        }
    }

    @Test("A text that is too long is refused unread")
    func tooLong() async {
        #expect(await reason(String(repeating: "a ", count: PrivacyGuard.limit)) == .tooLong)
    }
}

private struct Texts: PrivateMemory {
    static let abstract = """
        meaning patience silence memory river language trust attention curiosity wonder listening growing together between \
        those who wait and see what time makes of an idea that nobody owns
        """
    let texts: [String]

    init(_ texts: [String]) { self.texts = texts }

    func holds(_ runs: WordRuns) async throws -> Bool { texts.contains { runs.meet($0) } }
}

private struct Unreadable: PrivateMemory {
    struct Trouble: Error {}

    func holds(_ runs: WordRuns) async throws -> Bool { throw Trouble() }
}
