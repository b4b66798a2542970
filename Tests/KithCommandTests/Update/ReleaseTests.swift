// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import KithCommand

@Suite("Versions and sums of releases")
struct ReleaseTests {
    @Test("Each of these versions is older than the next")
    func order() throws {
        let versions = try [
            "0.1.0-dev.2.gfff0000", "0.1.0-dev.10.gabc0000", "0.1.0-rc.1", "0.1.0", "0.1.0+5.gabcdef0",
            "0.1.0+5.gabcdef0.dirty",
            "0.1.0+12.gabcdef0", "0.1.1", "0.2.0", "0.10.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta", "1.0.0",
        ].map { try #require(ReleaseVersion($0), "\($0)") }
        for (place, one) in versions.enumerated() {
            for (other, two) in versions.enumerated() { #expect((one < two) == (place < other), "\(one) \(two)") }
        }
    }

    @Test(
        "Anything else is no version",
        arguments: [
            "", "1", "1.2", "1.2.3.4", "v1.2.3", "1.2.x", "1..3", "99999999999999999999.0.0", "1.2.3 ", "1.2.3/../x",
            "1.2.3-" + String(repeating: "a", count: 100),
        ])
    func none(text: String) { #expect(ReleaseVersion(text) == nil) }

    private static let digest = String(repeating: "ab", count: 32)

    @Test("Of the archives for a machine the newest counts")
    func newest() throws {
        let sums = ReleaseSums(
            """
            \(Self.digest)  kith-0.9.0-linux-x86_64.tar.gz
            \(Self.digest.uppercased()) *kith-0.10.0-linux-x86_64.tar.gz
            \(Self.digest)  kith-0.11.0-linux-aarch64.tar.gz
            \(Self.digest)  kith_0.12.0_amd64.deb
            """)
        let found = try #require(sums.archive(for: "x86_64"))
        #expect(found.name == "kith-0.10.0-linux-x86_64.tar.gz" && found.digest == Self.digest)
        #expect(sums.archive(for: "riscv64") == nil)
    }

    @Test(
        "Lines that are no sums, and names that lead elsewhere, are left out",
        arguments: [
            "kith-1.0.0-linux-x86_64.tar.gz", "abcd  kith-1.0.0-linux-x86_64.tar.gz",
            "\(digest)  ../kith-1.0.0-linux-x86_64.tar.gz", "\(digest)  kith-1.0.0/../x-linux-x86_64.tar.gz",
            "\(digest)", "\(digest)  kith-x-linux-x86_64.tar.gz", "\(digest)  -linux-x86_64.tar.gz",
        ])
    func hostile(line: String) { #expect(ReleaseSums(line).archive(for: "x86_64") == nil) }
}
