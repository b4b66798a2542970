// SPDX-License-Identifier: Apache-2.0

extension LaunchProgram {
    /// Speaks Anthropic's messages; its variables stand in its own documentation of the environment.
    static let claudeCode = LaunchProgram(
        name: "claude", title: "Claude Code", installation: "npm install -g @anthropic-ai/claude-code",
        openingTokens: 12_000
    ) { target in
        var settings = LaunchSettings(
            environment: [.init("ANTHROPIC_BASE_URL", target.root), target.keyVariable("ANTHROPIC_AUTH_TOKEN")],
            // A key goes before the token, and the others choose another provider.
            removed: [
                "ANTHROPIC_API_KEY", "CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY",
            ])
        let models = [
            ("ANTHROPIC_MODEL", target.model), ("ANTHROPIC_DEFAULT_OPUS_MODEL", target.model),
            ("ANTHROPIC_DEFAULT_SONNET_MODEL", target.model), ("ANTHROPIC_DEFAULT_HAIKU_MODEL", target.smallModel),
            ("ANTHROPIC_SMALL_FAST_MODEL", target.smallModel), ("CLAUDE_CODE_SUBAGENT_MODEL", target.model),
        ]
        settings.environment += models.map { .init($0.0, $0.1) }
        settings.environment.append(.init("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"))
        ClaudeCodeWindow(context: target.context, model: target.model).add(to: &settings)
        return settings
    }
}

/// How Claude Code is told of a context that it does not know. It takes an unknown model's for a million tokens, and
/// begins to shorten a conversation when what is left is less than the longest answer, of which it counts 20,000 at
/// most, and 13,000 more. Where that leaves no room for its first request, it shortens for ever.
private struct ClaudeCodeWindow {
    /// Below it nothing that can be set leaves enough room.
    private static let least = 32_768
    /// From here on its own limit of an answer leaves enough room.
    private static let roomy = 65_536

    var context: Int?
    var model: String

    func add(to settings: inout LaunchSettings) {
        guard let context else {
            settings.notes.append(
                "how many tokens \(model.printable) holds is not known, and Claude Code takes them for 1000000; say it "
                    + "with --context")
            return
        }
        guard context >= Self.least else {
            settings.notes.append(
                "Claude Code needs a context of \(Self.least) tokens or more to shorten conversations in time; "
                    + "\(model.printable) holds \(context)")
            return
        }
        settings.environment.append(.init("CLAUDE_CODE_MAX_CONTEXT_TOKENS", String(context)))
        if context < Self.roomy {
            settings.environment.append(.init("CLAUDE_CODE_MAX_OUTPUT_TOKENS", String(context / 8)))
        }
    }
}
