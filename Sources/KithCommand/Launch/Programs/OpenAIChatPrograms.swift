// SPDX-License-Identifier: Apache-2.0

/// Programs that speak OpenAI's chat and read where from their environment.
extension LaunchProgram {
    static let aider = LaunchProgram(
        name: "aider", title: "aider", installation: "python3 -m pip install aider-chat"
    ) { target in
        LaunchSettings(
            // These go before the same settings in a file `.env`, which those of OpenAI's own names would not.
            environment: [
                .init("AIDER_OPENAI_API_BASE", target.versioned), target.keyVariable("AIDER_OPENAI_API_KEY"),
            ],
            arguments: [
                "--model", "openai/" + target.model, "--weak-model", "openai/" + target.smallModel,
                "--no-show-model-warnings",
            ])
    }

    static let copilot = LaunchProgram(
        name: "copilot", title: "GitHub Copilot CLI", installation: "npm install -g @github/copilot"
    ) { target in
        LaunchSettings(environment: [
            .init("COPILOT_PROVIDER_TYPE", "openai"), .init("COPILOT_PROVIDER_BASE_URL", target.versioned),
            target.keyVariable("COPILOT_PROVIDER_API_KEY"), .init("COPILOT_MODEL", target.model),
        ])
    }

    static let goose = LaunchProgram(
        name: "goose", title: "goose", installation: "the instructions at https://goose-docs.ai"
    ) { target in
        var settings = LaunchSettings(environment: [
            .init("GOOSE_PROVIDER", "openai"), .init("GOOSE_MODEL", target.model), .init("OPENAI_HOST", target.root),
            .init("OPENAI_BASE_PATH", "v1/chat/completions"), target.keyVariable("OPENAI_API_KEY"),
        ])
        if let context = target.context {
            settings.environment.append(.init("GOOSE_CONTEXT_LIMIT", String(context)))
        }
        return settings
    }

    static let miniSWEAgent = LaunchProgram(
        name: "mini", title: "mini-swe-agent", installation: "python3 -m pip install mini-swe-agent"
    ) { target in
        LaunchSettings(
            environment: [
                .init("OPENAI_API_BASE", target.versioned), target.keyVariable("OPENAI_API_KEY"),
                // It would ask for a provider at its first start, and stop at a model whose price it does not know.
                .init("MSWEA_CONFIGURED", "true"), .init("MSWEA_COST_TRACKING", "ignore_errors"),
            ],
            arguments: ["-m", "openai/" + target.model])
    }

    static let qwenCode = LaunchProgram(
        name: "qwen", title: "Qwen Code", installation: "npm install -g @qwen-code/qwen-code"
    ) { target in
        LaunchSettings(
            environment: [
                .init("OPENAI_BASE_URL", target.versioned), target.keyVariable("OPENAI_API_KEY"),
                .init("OPENAI_MODEL", target.model),
            ],
            arguments: ["--auth-type", "openai"])
    }
}
