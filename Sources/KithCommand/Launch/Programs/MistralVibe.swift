// SPDX-License-Identifier: Apache-2.0

import KithModel

extension LaunchProgram {
    /// Speaks OpenAI's chat. Each of its settings may stand in a variable, lists and tables as JSON.
    static let mistralVibe = LaunchProgram(
        name: "vibe", title: "Mistral Vibe", installation: "python3 -m pip install mistral-vibe"
    ) { target in
        let provider: JSONObject = [
            "name": "kith", "api_base": .string(target.versioned), "api_key_env_var": "KITH_API_KEY",
            "api_style": "openai", "backend": "generic",
        ]
        var model: JSONObject = [
            "name": .string(target.model), "provider": "kith", "alias": .string(target.model),
        ]
        if let context = target.context {
            model["max_context_length"] = .integer(Int64(context))
            model["auto_compact_threshold"] = .integer(Int64(context / 5 * 4))
        }
        return LaunchSettings(environment: [
            target.keyVariable("KITH_API_KEY"), .init("VIBE_PROVIDERS", list(provider)),
            .init("VIBE_MODELS", list(model)), .init("VIBE_ACTIVE_MODEL", target.model),
        ])
    }

    private static func list(_ element: JSONObject) -> String {
        String(decoding: JSONValue.array([.object(element)]).jsonBytes, as: UTF8.self)
    }
}
