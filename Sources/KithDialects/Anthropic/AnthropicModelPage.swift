// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// `GET /v1/models` and `GET /v1/models/{id}` in Anthropic's form. All models are on one page.
package enum AnthropicModelPage {
    package static func body(_ models: [ModelInfo]) -> [UInt8] {
        let page: JSONObject = [
            "data": .array(models.map { .object(model($0)) }), "has_more": false,
            "first_id": models.first.map { .string($0.id.rawValue) } ?? .null,
            "last_id": models.last.map { .string($0.id.rawValue) } ?? .null,
        ]
        return page.jsonBytes
    }

    package static func body(_ info: ModelInfo) -> [UInt8] { model(info).jsonBytes }

    private static func model(_ model: ModelInfo) -> JSONObject {
        // A time far beyond any calendar says no more than none.
        let seconds = (0...253_402_300_799).contains(model.created) ? model.created : 0
        var page: JSONObject = [
            "type": "model", "id": .string(model.id.rawValue), "display_name": .string(model.id.rawValue),
            "created_at": .string(WallTime(milliseconds: Int64(seconds) * 1_000).rfc3339),
            "lifecycle": "active",
        ]
        page["max_input_tokens"] = model.contextLength.map { .integer(Int64($0)) }
        return page
    }
}
