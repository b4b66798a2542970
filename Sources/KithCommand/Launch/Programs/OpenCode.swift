// SPDX-License-Identifier: Apache-2.0

import KithModel

extension LaunchProgram {
    /// Speaks OpenAI's chat. Its configuration is merged with what stands in a variable.
    static let openCode = LaunchProgram(
        name: "opencode", title: "opencode", installation: "npm install -g opencode-ai"
    ) { target in
        var models: JSONObject = [target.model: .object(model(target.model, context: target.context))]
        if target.smallModel != target.model {
            models[target.smallModel] = .object(model(target.smallModel, context: nil))
        }
        let provider: JSONObject = [
            "npm": "@ai-sdk/openai-compatible", "name": "kith",
            "options": ["baseURL": .string(target.versioned), "apiKey": "{env:KITH_API_KEY}"],
            "models": .object(models),
        ]
        let configuration: JSONObject = [
            "provider": ["kith": .object(provider)], "model": .string("kith/" + target.model),
            "small_model": .string("kith/" + target.smallModel),
        ]
        return LaunchSettings(
            environment: [
                target.keyVariable("KITH_API_KEY"),
                .init("OPENCODE_CONFIG_CONTENT", String(decoding: configuration.jsonBytes, as: UTF8.self)),
            ],
            notes: [
                "see that opencode shows \(target.model.printable) of kith before you ask anything: version 1 is known to "
                    + "read this configuration, version 2 is not"
            ])
    }

    /// - Parameter context: Without it opencode never shortens a conversation by itself.
    private static func model(_ name: String, context: Int?) -> JSONObject {
        var model: JSONObject = ["name": .string(name), "tool_call": true]
        if let context {
            model["limit"] = ["context": .integer(Int64(context)), "output": .integer(Int64(max(context / 4, 1)))]
        }
        return model
    }
}
