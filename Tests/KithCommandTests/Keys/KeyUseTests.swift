// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import KithCommand

@Suite("How a key is used on another machine")
struct KeyUseTests {
    private func lines(_ address: String, host: String = "desk") -> [String]? {
        KeyUse(address: address, hostName: host, authority: "/d/state/tls/authority.pem")?.lines
    }

    @Test("The lines name the machine as others find it")
    func names() throws {
        #expect(try #require(lines("https://0.0.0.0:8080"))[1].hasSuffix(" https://desk.local:8080/v1/models"))
        #expect(try #require(lines("https://[::]:8080", host: "desk.lan"))[1].contains("https://desk.lan:8080/"))
        #expect(try #require(lines("https://192.0.2.7:8443"))[2].contains("OPENAI_BASE_URL=https://192.0.2.7:8443/v1"))
        #expect(try #require(lines("https://0.0.0.0:8080"))[0].contains("/d/state/tls/authority.pem"))
    }

    @Test(
        "There are none for a node that others do not reach, or that has no certificate",
        arguments: ["http://0.0.0.0:8080", "https://127.0.0.1:8080", "https://localhost:8080", "nonsense"])
    func none(address: String) { #expect(lines(address) == nil) }
}
