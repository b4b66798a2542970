// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// An error in OpenAI's form; also the payload of an error in the middle of a stream.
package struct OpenAIErrorBody: Codable, Sendable {
    package struct Detail: Codable, Sendable {
        package var message: String
        package var type: String?
        package var code: JSONValue?
        package var param: String?
        /// Names that would have worked; added by kith to a 404 for a model.
        package var models: [String]?

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(message, forKey: .message)
            try container.encode(type, forKey: .type)
            try container.encode(code, forKey: .code)
            try container.encode(param, forKey: .param)
            try container.encodeIfPresent(models, forKey: .models)
        }

        private enum CodingKeys: String, CodingKey { case message, type, code, param, models }
    }

    package var error: Detail

    package init(message: String, type: String, code: String? = nil, param: String? = nil, models: [String]? = nil) {
        error = Detail(message: message, type: type, code: code.map { .string($0) }, param: param, models: models)
    }

    /// As the bytes of a body.
    package var json: JSONObject {
        var detail: JSONObject = [
            "message": .string(error.message), "type": error.type.map { .string($0) } ?? .null,
            "code": error.code ?? .null, "param": error.param.map { .string($0) } ?? .null,
        ]
        if let models = error.models { detail["models"] = .array(models.map { .string($0) }) }
        return ["error": .object(detail)]
    }
}
