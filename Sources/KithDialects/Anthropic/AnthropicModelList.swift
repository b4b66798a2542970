// SPDX-License-Identifier: Apache-2.0

/// Anthropic's answer to `GET /v1/models`, as far as this node reads it.
package struct AnthropicModelList: Decodable, Sendable {
    package struct Model: Decodable, Sendable { package var id: String }

    package var data: [Model]
}
