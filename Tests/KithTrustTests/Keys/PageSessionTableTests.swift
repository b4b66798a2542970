// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing
@testable import KithTrust

@Suite("Browsers that have signed in")
struct PageSessionTableTests {
    private static let start = WallTime(milliseconds: 1_800_000_000_000)

    /// The values, as something that an expectation may change.
    private final class Tables {
        var sessions = PageSessionTable()
        var links = PageLinkTable()

        func open(_ holder: PageSessionTable.Holder, after: Duration = .zero) throws -> String {
            let word = sessions.open(for: holder, now: start.advanced(by: after))
            return try #require(word).reveal()
        }

        func holder(_ word: String, after: Duration = .zero) -> PageSessionTable.Holder? {
            sessions.holder(of: word.utf8, now: start.advanced(by: after))
        }

        func link() -> String { links.make(now: start).reveal() }

        func redeem(_ code: String, after: Duration = .zero) -> Bool {
            links.redeem(code.utf8, now: start.advanced(by: after))
        }
    }

    @Test("A session ends when it was not used for long, and at last in any case")
    func ends() throws {
        let tables = Tables()
        let word = try tables.open(.owner)
        var after = Duration.zero
        while after < PageSessionTable.lifetime {
            #expect(tables.holder(word, after: after) == .owner)
            after += PageSessionTable.idleLimit - .milliseconds(1)
        }
        #expect(tables.holder(word, after: PageSessionTable.lifetime) == nil)
        #expect(tables.sessions.count == 0)

        let other = try tables.open(.key("abcdefgh"))
        #expect(tables.holder(other, after: PageSessionTable.idleLimit) == nil)
        #expect(tables.holder(other) == nil)
    }

    @Test("Only the whole word counts, in its own case, and no longer once it is closed")
    func words() throws {
        let tables = Tables()
        let word = try tables.open(.owner)
        for wrong in [word.uppercased(), String(word.dropLast()), word + "a", "", " " + word] {
            #expect(tables.holder(wrong) == nil)
        }
        #expect(tables.holder(word) == .owner)
        #expect(tables.sessions.close(word.utf8) == .owner)
        #expect(tables.holder(word) == nil)
    }

    @Test("One holder has few sessions, of which the one that was used longest ago makes room; another's stay")
    func room() throws {
        let tables = Tables()
        let owners = try tables.open(.owner)
        let words = try (0..<PageSessionTable.holderLimit).map { number in
            try tables.open(.key("abcdefgh"), after: .seconds(number))
        }
        #expect(tables.holder(words[0], after: .seconds(100)) != nil)
        _ = try tables.open(.key("abcdefgh"), after: .seconds(101))
        #expect(tables.holder(words[0], after: .seconds(102)) != nil)
        #expect(tables.holder(words[1], after: .seconds(102)) == nil)
        #expect(tables.holder(owners, after: .seconds(102)) == .owner)
        #expect(tables.sessions.count == PageSessionTable.holderLimit + 1)
    }

    @Test("A link counts once, soon, and only as it was made")
    func links() {
        let tables = Tables()
        let code = tables.link()
        #expect(!tables.redeem(code.uppercased()))
        #expect(tables.redeem(code, after: .seconds(59)))
        #expect(!tables.redeem(code, after: .seconds(59)))
        let late = tables.link()
        #expect(!tables.redeem(late, after: PageLinkTable.lifetime))
        let first = tables.link()
        for _ in 0..<PageLinkTable.limit { _ = tables.link() }
        #expect(!tables.redeem(first))
    }
}
