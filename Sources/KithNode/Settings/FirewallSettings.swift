// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Which addresses reach which listener, and whose word for where a request comes from counts. These may change while the
/// node runs.
package struct FirewallSettings: Hashable, Sendable {
    /// The listeners with rules of their own.
    package enum Door: String, CaseIterable, Sendable {
        /// The node's own port, and the one for programs made for Ollama.
        case clients
        case peers
        case cell
        case bridge
        case discovery
    }

    package var trustedProxies: [AddressRange]
    private var rules: [Door: AddressRules]

    package init(trustedProxies: [AddressRange] = [], rules: [Door: AddressRules] = [:]) {
        self.trustedProxies = trustedProxies
        self.rules = rules
    }

    package func rules(of door: Door) -> AddressRules { rules[door] ?? .none }

    init(_ values: SettingValues) {
        func ranges(_ key: SettingKey) -> [AddressRange] {
            values.text(key).map(SettingKind.entries)?.compactMap { AddressRange($0) } ?? []
        }
        self.init(trustedProxies: ranges(.trustedProxies))
        for door in Door.allCases {
            let (allow, deny) = door.keys
            // A role's listener has the rules of the node's port where it has none of its own.
            let isOwn = door == .peers || values.isSet(allow) || values.isSet(deny)
            let (general, generalDenied) = Door.clients.keys
            rules[door] = AddressRules(
                allowed: ranges(isOwn ? allow : general), denied: ranges(isOwn ? deny : generalDenied))
        }
    }
}

extension FirewallSettings.Door {
    fileprivate var keys: (allow: SettingKey, deny: SettingKey) {
        switch self {
        case .clients: (.serverAllow, .serverDeny)
        case .peers: (.peerAllow, .peerDeny)
        case .cell: (.cellAllow, .cellDeny)
        case .bridge: (.bridgeAllow, .bridgeDeny)
        case .discovery: (.discoveryAllow, .discoveryDeny)
        }
    }
}

extension SettingDefinition {
    /// Who reaches the listeners at all.
    static let firewall: [SettingDefinition] =
        [
            SettingDefinition(
                .trustedProxies, .addressRanges,
                help: "Reverse proxies that say truly where a request comes from, in `X-Forwarded-For`, `Forwarded` or "
                    + "`X-Real-IP`, by their addresses, such as `127.0.0.1` or `10.0.0.0/24`. Their clients then count for "
                    + "whether a key is needed, for the rules about addresses and in the audit trail. What any other proxy "
                    + "passes on needs a key.")
        ]
        + rules(.serverAllow, .serverDeny, of: "the node's port and the one for Ollama's programs")
        + rules(.peerAllow, .peerDeny, of: "the port for other nodes")
        + rules(.cellAllow, .cellDeny, of: "the role `cell`", asServer: true)
        + rules(.bridgeAllow, .bridgeDeny, of: "the role `bridge`", asServer: true)
        + rules(.discoveryAllow, .discoveryDeny, of: "the role `discovery`", asServer: true)

    private static func rules(
        _ allow: SettingKey, _ deny: SettingKey, of listener: String, asServer: Bool = false
    ) -> [SettingDefinition] {
        [
            SettingDefinition(
                allow, .addressRanges, note: asServer ? "as `server.allow`" : nil,
                help: "The addresses that alone reach \(listener), as ranges such as `10.0.0.0/8`; without any, all "
                    + "do. This machine always does. Read again when a file changes."),
            SettingDefinition(
                deny, .addressRanges, note: asServer ? "as `server.deny`" : nil,
                help: "The addresses that do not reach \(listener): refused before TLS, without an answer. Goes before "
                    + "what is allowed."),
        ]
    }
}
