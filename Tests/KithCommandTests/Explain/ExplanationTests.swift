// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithCommand
import KithTrust
import Testing

@Suite("What refusals mean")
struct ExplanationTests {
    @Test("docs/refusals.md is what `kith explain --markdown` prints")
    func document() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..").standardized
        let text = try String(contentsOf: root.appending(path: "docs/refusals.md"), encoding: .utf8)
        #expect(text == ExplanationGroup.markdown, "run `kith explain --markdown > docs/refusals.md`")
    }

    @Test("In each place a code stands once, with a sentence of what happened and one of what to do")
    func sentences() {
        for group in ExplanationGroup.all {
            #expect(Set(group.explanations.map(\.code)).count == group.explanations.count, "\(group.title)")
            for one in group.explanations {
                #expect(one.meaning.hasSuffix(".") && one.remedy.hasSuffix("."), "\(one.code)")
                #expect(!one.meaning.contains("|") && !one.remedy.contains("|"), "\(one.code)")
            }
        }
    }

    @Test(
        "A code is found as programs, headers and people write it", arguments: ["no_engine", "no-engine", "noEngine"])
    func spellings(code: String) { #expect(ExplanationGroup.find(code).count == 2) }

    @Test("What a header adds to a code in brackets does not matter")
    func brackets() { #expect(ExplanationGroup.find("lacks(tools)").map(\.explanation.code) == ["lacks"]) }

    @Test("What is told of a pairing is what happened, and then what to do", arguments: PairingRefusal.allCases)
    func pairing(refusal: PairingRefusal) {
        #expect(refusal.description.split(separator: "; ").count == 2)
    }

    @Test("A misspelt code is answered with the nearest one")
    func misspelt() {
        let failure = #expect(throws: CommandError.self) { try ExplanationReport.lines("no_engin", style: .plain) }
        #expect(failure?.message.contains("no_engine") == true)
    }
}
