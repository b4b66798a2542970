// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithModel
import Testing

@Suite("Programs that are launched")
struct LaunchProgramTests {
    private func plan(
        _ name: String, context: Int? = 131_072, small: String? = nil, key: String? = nil, own: [String] = []
    ) throws -> LaunchPlan {
        let target = LaunchTarget(
            node: HTTPAddress(host: "127.0.0.1", port: 8080), key: key.map { Secret($0) }, model: "qwen3:30b",
            smallModel: small, context: context)
        return LaunchPlan(try .named(name), for: target, arguments: own)
    }

    @Test("Claude Code is given the node, the token, a model for each of its own, and the length of the context")
    func claude() throws {
        let environment = try plan("claude", small: "small", key: "kith_k").environment(in: [:])
        #expect(
            environment == [
                "ANTHROPIC_BASE_URL": "http://127.0.0.1:8080", "ANTHROPIC_AUTH_TOKEN": "kith_k",
                "ANTHROPIC_MODEL": "qwen3:30b", "ANTHROPIC_DEFAULT_OPUS_MODEL": "qwen3:30b",
                "ANTHROPIC_DEFAULT_SONNET_MODEL": "qwen3:30b", "ANTHROPIC_DEFAULT_HAIKU_MODEL": "small",
                "ANTHROPIC_SMALL_FAST_MODEL": "small", "CLAUDE_CODE_SUBAGENT_MODEL": "qwen3:30b",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "131072",
            ])
    }

    @Test("What would lead Claude Code elsewhere is taken from its environment, and nothing else")
    func claudeSurroundings() throws {
        let surroundings = ["ANTHROPIC_API_KEY": "k", "CLAUDE_CODE_USE_BEDROCK": "1", "HOME": "/home/ada"]
        let environment = try plan("claude").environment(in: surroundings)
        #expect(environment["ANTHROPIC_API_KEY"] == nil)
        #expect(environment["CLAUDE_CODE_USE_BEDROCK"] == nil)
        #expect(environment["HOME"] == "/home/ada")
    }

    @Test(
        "Claude Code's answers are limited where a small context would leave no room for its first request",
        arguments: [
            (65_536, "65536", nil), (65_535, "65535", "8191"), (32_768, "32768", "4096"), (32_767, nil, nil),
            (1, nil, nil), (nil, nil, nil),
        ] as [(Int?, String?, String?)])
    func claudeWindow(context: Int?, window: String?, output: String?) throws {
        let plan = try plan("claude", context: context)
        let environment = plan.environment(in: [:])
        #expect(environment["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == window)
        #expect(environment["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] == output)
        #expect(plan.notes.isEmpty == (window != nil))
    }

    @Test("Codex is given a provider of its own by overrides, whose values are TOML")
    func codex() throws {
        let plan = try plan("codex", own: ["exec", "hello"])
        #expect(plan.environment(in: [:]) == ["KITH_API_KEY": "unused"])
        #expect(
            plan.arguments == [
                "-c", #"model_provider="kith""#, "-c", #"model="qwen3:30b""#, "-c",
                #"model_providers.kith.name="kith""#, "-c",
                #"model_providers.kith.base_url="http://127.0.0.1:8080/v1""#, "-c",
                #"model_providers.kith.wire_api="responses""#, "-c",
                #"model_providers.kith.env_key="KITH_API_KEY""#, "-c", "model_context_window=131072", "-c",
                "model_auto_compact_token_limit=104856", "exec", "hello",
            ])
    }

    @Test(
        "Codex keeps the node as its provider when the user overrides something, and the user's word is the last",
        arguments: ["-c", "--config", "-cx=1", "--config=x=1"])
    func codexOverrides(flag: String) throws {
        let needed = try plan("codex").arguments
        let own = try plan("codex", own: ["exec", flag, "x=1", "hello"]).arguments
        #expect(own == ["exec"] + needed + [flag, "x=1", "hello"])
        let prompt = try plan("codex", own: ["exec", "--", flag]).arguments
        #expect(prompt == needed + ["exec", "--", flag])
    }

    @Test(
        "Codex is not told of a context in which it would shorten the conversation for ever",
        arguments: [(16_384, "14000"), (16_383, nil), (nil, nil)] as [(Int?, String?)])
    func codexWindow(context: Int?, limit: String?) throws {
        let plan = try plan("codex", context: context)
        let found = plan.arguments.first { $0.hasPrefix("model_auto_compact_token_limit=") }
        #expect(found == limit.map { "model_auto_compact_token_limit=\($0)" })
        #expect(plan.arguments.contains { $0.hasPrefix("model_context_window=") } == (limit != nil))
        #expect(plan.notes.isEmpty == (limit != nil))
    }

    @Test("opencode is given its configuration as JSON, which names the variable of the key")
    func openCode() throws {
        let environment = try plan("opencode", context: 32_768, small: "small", key: "kith_k").environment(in: [:])
        #expect(environment["KITH_API_KEY"] == "kith_k")
        #expect(
            environment["OPENCODE_CONFIG_CONTENT"]
                == #"{"provider":{"kith":{"npm":"@ai-sdk/openai-compatible","name":"kith","options":"#
                + #"{"baseURL":"http://127.0.0.1:8080/v1","apiKey":"{env:KITH_API_KEY}"},"models":"#
                + #"{"qwen3:30b":{"name":"qwen3:30b","tool_call":true,"limit":{"context":32768,"output":8192}},"#
                + #""small":{"name":"small","tool_call":true}}}},"model":"kith/qwen3:30b","small_model":"kith/small"}"#)
    }

    @Test("Mistral Vibe is given a provider and a model as JSON")
    func vibe() throws {
        let environment = try plan("vibe", context: 32_768).environment(in: [:])
        #expect(
            environment == [
                "KITH_API_KEY": "unused", "VIBE_ACTIVE_MODEL": "qwen3:30b",
                "VIBE_PROVIDERS": #"[{"name":"kith","api_base":"http://127.0.0.1:8080/v1","#
                    + #""api_key_env_var":"KITH_API_KEY","api_style":"openai","backend":"generic"}]"#,
                "VIBE_MODELS": #"[{"name":"qwen3:30b","provider":"kith","alias":"qwen3:30b","#
                    + #""max_context_length":32768,"auto_compact_threshold":26212}]"#,
            ])
    }

    @Test("aider is given the node under its own names, which go before a file .env")
    func aider() throws {
        let plan = try plan("aider", small: "small", own: ["--no-git"])
        #expect(
            plan.environment(in: [:]) == [
                "AIDER_OPENAI_API_BASE": "http://127.0.0.1:8080/v1", "AIDER_OPENAI_API_KEY": "unused",
            ])
        #expect(
            plan.arguments == [
                "--model", "openai/qwen3:30b", "--weak-model", "openai/small", "--no-show-model-warnings", "--no-git",
            ])
    }

    @Test("mini-swe-agent is given the node, and does not ask for a provider or a price")
    func mini() throws {
        let plan = try plan("mini")
        #expect(
            plan.environment(in: [:]) == [
                "OPENAI_API_BASE": "http://127.0.0.1:8080/v1", "OPENAI_API_KEY": "unused",
                "MSWEA_CONFIGURED": "true", "MSWEA_COST_TRACKING": "ignore_errors",
            ])
        #expect(plan.arguments == ["-m", "openai/qwen3:30b"])
    }

    @Test("Qwen Code, goose and Copilot's command line are given the node by their environment")
    func others() throws {
        let qwen = try plan("qwen")
        #expect(
            qwen.environment(in: [:]) == [
                "OPENAI_BASE_URL": "http://127.0.0.1:8080/v1", "OPENAI_API_KEY": "unused", "OPENAI_MODEL": "qwen3:30b",
            ])
        #expect(qwen.arguments == ["--auth-type", "openai"])
        #expect(
            try plan("goose", context: 32_768).environment(in: [:]) == [
                "GOOSE_PROVIDER": "openai", "GOOSE_MODEL": "qwen3:30b", "OPENAI_HOST": "http://127.0.0.1:8080",
                "OPENAI_BASE_PATH": "v1/chat/completions", "OPENAI_API_KEY": "unused", "GOOSE_CONTEXT_LIMIT": "32768",
            ])
        #expect(
            try plan("copilot").environment(in: [:]) == [
                "COPILOT_PROVIDER_TYPE": "openai", "COPILOT_PROVIDER_BASE_URL": "http://127.0.0.1:8080/v1",
                "COPILOT_PROVIDER_API_KEY": "unused", "COPILOT_MODEL": "qwen3:30b",
            ])
    }

    @Test(
        "A program that is not known is refused with the one that was meant, or with all",
        arguments: [
            ("cluade", "did you mean claude?"), ("emacs", "it knows claude, codex, opencode"), ("", "it knows"),
        ])
    func unknown(name: String, mentions: String) {
        let failure = #expect(throws: CommandError.self) { try LaunchProgram.named(name) }
        #expect(failure?.status == .usage)
        #expect(failure?.message.contains(mentions) == true, "\(failure?.message ?? "")")
    }

    @Test(
        "A program that is not installed is refused with how it is installed", arguments: LaunchProgram.all.map(\.name))
    func missing(name: String) throws {
        let program = try LaunchProgram.named(name)
        #expect(program.missing.message.contains("'\(name)' on the PATH; install it with: \(program.installation)"))
    }
}
