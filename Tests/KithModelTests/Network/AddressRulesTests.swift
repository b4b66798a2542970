// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing

@Suite("Rules about addresses")
struct AddressRulesTests {
    private func ranges(_ texts: [String]) -> [AddressRange] { texts.compactMap { AddressRange($0) } }

    @Test(
        "Denied addresses are kept out, and where some are allowed all others are",
        arguments: [
            ([], [], "203.0.113.9", true),
            ([], ["203.0.113.0/24"], "203.0.113.9", false),
            ([], ["203.0.113.0/24"], "::ffff:203.0.113.9", false),
            ([], ["203.0.113.0/24"], "198.51.100.7", true),
            (["10.0.0.0/8"], [], "10.1.2.3", true),
            (["10.0.0.0/8"], [], "2001:db8::1", false),
            (["10.0.0.0/8", "2001:db8::/32"], ["2001:db8:1::/48"], "2001:db8::1", true),
            (["10.0.0.0/8", "2001:db8::/32"], ["2001:db8:1::/48"], "2001:db8:1::1", false),
        ] as [([String], [String], String, Bool)])
    func rules(allowed: [String], denied: [String], address: String, expected: Bool) throws {
        let rules = AddressRules(allowed: ranges(allowed), denied: ranges(denied))
        #expect(rules.admit(try #require(AddressRange(address))) == expected)
    }

    @Test("No rule keeps this machine itself out", arguments: ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
    func ownMachine(address: String) throws {
        let rules = AddressRules(allowed: ranges(["10.0.0.0/8"]), denied: ranges(["0.0.0.0/0", "::/0"]))
        #expect(rules.admit(try #require(AddressRange(address))))
    }
}
