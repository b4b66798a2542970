// SPDX-License-Identifier: Apache-2.0

package import KithModel

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The body of `POST /v1/embeddings`.
package struct OpenAIEmbeddingRequest: Decodable, Sendable {
    package enum Encoding: String, Decodable, Sendable { case float, base64 }

    package static let inputLimit = 2048

    package var request: EmbeddingRequest
    package var encoding: Encoding

    private enum CodingKeys: String, CodingKey {
        case input, model, dimensions
        case encoding = "encoding_format"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let inputs: [String]
        if let one = try? container.decode(String.self, forKey: .input) {
            inputs = [one]
        } else {
            inputs = try container.decode([String].self, forKey: .input)
        }
        guard !inputs.isEmpty, inputs.count <= Self.inputLimit else {
            throw DecodingError.dataCorruptedError(
                forKey: .input, in: container, debugDescription: "1 to \(Self.inputLimit) texts")
        }
        let model = try container.decodeIfPresent(String.self, forKey: .model)
        request = EmbeddingRequest(
            model: try OpenAIRequestOptions.modelID(model), inputs: inputs,
            dimensions: try container.decodeNumberIfPresent(Int.self, forKey: .dimensions))
        encoding = try container.decodeIfPresent(Encoding.self, forKey: .encoding) ?? .float
    }
}

/// The answer to `POST /v1/embeddings`.
package struct OpenAIEmbeddingList: Codable, Sendable {
    package enum Vector: Codable, Sendable {
        case float([Float])
        /// Little-endian IEEE 754 single precision, in base64.
        case base64(String)

        package init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                self = .base64(text)
            } else {
                self = .float(try container.decode([Float].self))
            }
        }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .float(let numbers): try container.encode(numbers)
            case .base64(let text): try container.encode(text)
            }
        }
    }

    package struct Item: Codable, Sendable {
        package var object: String?
        package var index: Int
        package var embedding: Vector
    }

    package struct Usage: Codable, Sendable {
        package var promptTokens: Int?
        package var totalTokens: Int?

        private enum CodingKeys: String, CodingKey {
            case promptTokens = "prompt_tokens"
            case totalTokens = "total_tokens"
        }
    }

    package var object: String?
    package var data: [Item]
    package var model: String?
    package var usage: Usage?

    package init(_ answer: EmbeddingAnswer, encoding: OpenAIEmbeddingRequest.Encoding) {
        object = "list"
        model = answer.model.rawValue
        usage = Usage(promptTokens: answer.promptTokens, totalTokens: answer.promptTokens)
        data = answer.vectors.enumerated().map { index, vector in
            Item(object: "embedding", index: index, embedding: Self.encode(vector, as: encoding))
        }
    }

    private static func encode(_ vector: [Float], as encoding: OpenAIEmbeddingRequest.Encoding) -> Vector {
        switch encoding {
        case .float: return .float(vector)
        case .base64:
            var bytes = Data(capacity: vector.count * 4)
            for number in vector {
                withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
            }
            return .base64(bytes.base64EncodedString())
        }
    }
}
