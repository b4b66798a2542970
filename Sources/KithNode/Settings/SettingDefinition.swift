// SPDX-License-Identifier: Apache-2.0

/// One setting: its names, what it may say, and what it does.
///
/// ``all`` is the only list of settings: reading, the search for misspelt names and `docs/settings.md` follow it.
package struct SettingDefinition: Sendable {
    /// Where a setting may stand besides the command line and the environment.
    package enum Reach: Sendable {
        /// Also in `.env` and `kith.yaml`.
        case files
        /// Nowhere else: it says where the files are, or belongs to the commands that ask a node.
        case environment
    }

    package var key: SettingKey
    /// The first is kith's own and goes before the others.
    package var environmentNames: [String]
    package var flag: String?
    package var kind: SettingKind
    package var isSecret: Bool
    package var reach: Reach
    /// The default, in the form in which it could be written; `nil` when there is none.
    package var fallback: String?
    /// What the default is, when it is not a fixed text.
    package var fallbackNote: String?
    package var help: String

    init(
        _ key: SettingKey, _ kind: SettingKind, fallback: String? = nil, note: String? = nil, flag: String? = nil,
        environment: String? = nil, seedName: String? = nil, seedNames: [String] = [], isSecret: Bool = false,
        reach: Reach = .files,
        help: String
    ) {
        let ownName = environment ?? "KITH_" + key.rawValue.uppercased().replacing(".", with: "_")
        self.key = key
        self.environmentNames = [ownName] + (seedName.map { [$0] } ?? []) + seedNames
        self.flag = flag
        self.kind = kind
        self.isSecret = isSecret
        self.reach = reach
        self.fallback = fallback
        self.fallbackNote = note
        self.help = help
    }

    package static let all: [SettingDefinition] = node + access + peers + roles + routing + social + engine + client

    static let byKey = Dictionary(all.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })

    static let byEnvironmentName = Dictionary(
        all.flatMap { definition in definition.environmentNames.map { ($0, definition) } },
        uniquingKeysWith: { first, _ in first })
}
