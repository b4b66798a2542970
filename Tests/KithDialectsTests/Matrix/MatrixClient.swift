// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel

/// A client's dialect in the translation matrix. A dialect is added by one more of these.
struct MatrixClient: Sendable {
    let name: String
    /// The engine whose words are the client's; `nil` for a dialect that no engine speaks.
    let kin: MatrixEngine?
    /// The body of a request with a feature; `nil` where the dialect has no word for it.
    let body: @Sendable (AskedFeature) -> String?
    let read: @Sendable ([UInt8]) throws -> ChatRequest
    /// The streamed answer to a request that asks for as much as there is.
    let answer: @Sendable ([ChatEvent]) -> String
    /// Words of which a streamed answer must hold all for a feature; `nil` where the dialect has none.
    let tellingWords: @Sendable (ToldFeature) -> [String]?

    static let all: [MatrixClient] = [.openAI, .anthropic, .responses, .ollama]

    func outcome(_ feature: AskedFeature, _ engine: MatrixEngine) -> Outcome {
        guard let body = body(feature) else { return .none }
        do {
            let asked = try engine.encoded(try read(Array(body.utf8)))
            if engine.carries(feature, asked) { return kin == engine ? .kept : .translated }
            return engine.leavesOut.contains(feature) ? .leftOut : .lost
        } catch let refusal as ChatError {
            let isInWords = refusal.code == .unsupported && refusal.field?.isEmpty == false && !refusal.message.isEmpty
            return isInWords ? .refused : .lost
        } catch {
            return .lost
        }
    }

    func outcome(_ feature: ToldFeature, _ engine: MatrixEngine) -> Outcome {
        guard let words = tellingWords(feature), let stream = engine.stream(feature) else { return .none }
        do {
            let told = answer(try engine.decoded(stream, isKin: kin == engine))
            guard words.allSatisfy(told.contains) else { return .lost }
            return kin == engine ? .kept : .translated
        } catch {
            return .lost
        }
    }
}

/// What the requests of the matrix hold, to be found again at the engine.
enum Sample {
    static let schema: JSONValue = ["type": "object", "properties": ["answer": ["type": "string"]]]
    static let parameters: JSONValue = ["type": "object", "properties": ["x": ["type": "number"]]]
    static let picture = "QUJD"
    static let pictureURL = "https://pictures.example/a.png"
    static let thought = "I wonder."
    static let signature = "c2lnbmVk"
    static let signedThought: JSONValue = [
        "type": "thinking", "thinking": .string(thought), "signature": .string(signature),
    ]
}

extension JSONValue {
    var written: String { String(decoding: jsonBytes, as: UTF8.self) }

    /// The value at a path such as `messages.0.content`.
    func at(_ path: String) -> JSONValue? {
        path.split(separator: ".").reduce(self) { value, step in
            guard let elements = value?.arrayValue else { return value?[String(step)] }
            guard let place = Int(step), elements.indices.contains(place) else { return nil }
            return elements[place]
        }
    }
}
