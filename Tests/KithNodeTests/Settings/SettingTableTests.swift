// SPDX-License-Identifier: Apache-2.0

import KithNode
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite("The table of settings")
struct SettingTableTests {
    @Test("Every setting stands in the table once, and no two share a name or a flag")
    func complete() {
        let all = SettingDefinition.all
        #expect(all.map(\.key.rawValue).sorted() == SettingKey.allCases.map(\.rawValue).sorted())
        let names = all.flatMap(\.environmentNames)
        #expect(Set(names).count == names.count)
        let flags = all.compactMap(\.flag)
        #expect(Set(flags).count == flags.count)
    }

    @Test("The names that are promised are there")
    func promised() {
        let names = Set(SettingDefinition.all.flatMap(\.environmentNames))
        let promised: Set = [
            "KITH_PORT", "KITH_HOST", "KITH_NAME", "KITH_ENGINE", "KITH_DATA_DIR", "KITH_LOG_LEVEL",
            "KITH_ENGINE_DIR", "KITH_ENGINE_MODEL", "KITH_ENGINE_EMBEDDED_SLOTS", "KITH_URL",
            "KITH_KEY", "KITH_FINGERPRINT", "KITH_REQUIRE_KEY", "KITH_TLS", "KITH_TLS_CERT", "KITH_TLS_KEY",
            "KITH_PEER_PORT", "KITH_PEER_HOST", "KITH_LAN", "KITH_ROLES", "DISCOVERY_PORT", "AIOS_DISCOVERY_ADDR",
        ]
        #expect(promised.subtracting(names) == [])
    }

    @Test("docs/settings.md is what `kith settings --markdown` prints")
    func documented() throws {
        var root = URL(filePath: #filePath)
        for _ in 0..<4 { root.deleteLastPathComponent() }
        let text = try String(contentsOf: root.appending(path: "docs/settings.md"), encoding: .utf8)
        #expect(text == SettingsDocument.markdown, "run `kith settings --markdown > docs/settings.md`")
        for name in SettingDefinition.all.flatMap(\.environmentNames) {
            #expect(text.contains("`\(name)`"), "it leaves a setting out")
        }
    }
}
