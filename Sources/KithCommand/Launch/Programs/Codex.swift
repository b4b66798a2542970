// SPDX-License-Identifier: Apache-2.0

import KithModel

extension LaunchProgram {
    /// Below it nothing that can be set keeps Codex from shortening the conversation for ever.
    private static let leastCodexContext = 16_384

    /// Speaks OpenAI's responses. Its settings are given as overrides of its `config.toml`.
    static let codex = LaunchProgram(
        name: "codex", title: "Codex", installation: "npm install -g @openai/codex", openingTokens: 10_000,
        settings: { target in
            var settings = LaunchSettings(environment: [target.keyVariable("KITH_API_KEY")])
            var overrides = [
                ("model_provider", text("kith")), ("model", text(target.model)),
                ("model_providers.kith.name", text("kith")),
                ("model_providers.kith.base_url", text(target.versioned)),
                ("model_providers.kith.wire_api", text("responses")),
                ("model_providers.kith.env_key", text("KITH_API_KEY")),
            ]
            switch target.context {
            case let context? where context >= leastCodexContext:
                overrides.append(("model_context_window", String(context)))
                overrides.append(("model_auto_compact_token_limit", String(max(context / 5 * 4, 14_000))))
            case let context?:
                settings.notes.append(
                    "Codex needs a context of \(leastCodexContext) tokens or more to shorten conversations in time; "
                        + "\(target.model.printable) holds \(context)")
            case nil:
                settings.notes.append(
                    "how many tokens \(target.model.printable) holds is not known; say it with --context")
            }
            settings.arguments = overrides.flatMap { ["-c", "\($0.0)=\($0.1)"] }
            return settings
        }, arguments: overriding)

    /// Codex forgets overrides that stand before a subcommand as soon as one stands after it, and would then ask
    /// OpenAI: so they are repeated before each of the user's, which go on to win.
    private static func overriding(needed: [String], own: [String]) -> [String] {
        let options = own.prefix { $0 != "--" }
        let places = options.indices.filter { isOverride(options[$0]) }
        guard !places.isEmpty else { return needed + own }
        return own.indices.flatMap { (places.contains($0) ? needed : []) + [own[$0]] }
    }

    private static func isOverride(_ argument: String) -> Bool {
        argument == "--config" || argument.hasPrefix("--config=")
            || (argument.hasPrefix("-c") && !argument.hasPrefix("--"))
    }

    /// A TOML string: what JSON escapes, TOML escapes the same way.
    private static func text(_ value: String) -> String {
        String(decoding: JSONValue.string(value).jsonBytes, as: UTF8.self)
    }
}
