// SPDX-License-Identifier: Apache-2.0

/// What OpenAI's API offers besides answers and embeddings. A request for it goes to an engine as the client wrote it.
package enum EngineService: String, Hashable, Sendable, Codable, CaseIterable {
    case rerank = "/rerank"
    case transcriptions = "/audio/transcriptions"
    case translations = "/audio/translations"
    case speech = "/audio/speech"
    case imageGenerations = "/images/generations"
    case imageEdits = "/images/edits"
    case imageVariations = "/images/variations"

    /// The path below `/v1`.
    package var path: String { rawValue }

    /// In a sentence.
    package var words: String {
        switch self {
        case .rerank: "the ranking of texts"
        case .transcriptions: "transcriptions"
        case .translations: "translations of speech"
        case .speech: "speech"
        case .imageGenerations: "the making of pictures"
        case .imageEdits: "the editing of pictures"
        case .imageVariations: "variations of pictures"
        }
    }

    /// Whether clients send forms with files in them, and not JSON alone.
    package var takesForms: Bool {
        switch self {
        case .rerank, .speech, .imageGenerations: false
        case .transcriptions, .translations, .imageEdits, .imageVariations: true
        }
    }

    /// Whether a model is for this, as far as its name tells.
    package func suits(_ model: ModelID) -> Bool {
        let name = model.rawValue.lowercased()
        return hints.contains(where: name.contains)
    }

    private var hints: [String] {
        switch self {
        case .rerank: ["rerank"]
        case .transcriptions, .translations: ["whisper", "transcribe", "asr", "parakeet", "canary", "voxtral"]
        case .speech: ["tts", "speech", "kokoro", "orpheus", "piper"]
        case .imageGenerations, .imageEdits, .imageVariations:
            ["image", "dall-e", "diffusion", "flux", "sdxl", "kontext"]
        }
    }
}

/// A request for an ``EngineService``.
package struct PassThroughRequest: Sendable {
    /// Where the client wrote the model's name.
    package enum ModelPlace: Hashable, Sendable {
        /// A JSON string, with its quotes.
        case json(Range<Int>)
        /// A field of a form.
        case form(Range<Int>)
    }

    package var id: RequestID
    package var service: EngineService
    /// `nil` stands for `auto`.
    package var model: ModelID?
    /// The type of the body: JSON, or a form with its boundary.
    package var contentType: String
    package let body: [UInt8]
    /// `nil` when the client named none, which leaves it to the engine.
    package let modelPlace: ModelPlace?
    /// When the caller gives up, by this process's clock; a kin is told the time that is left.
    package var deadline: MonotonicInstant?
    /// Where in which trace it is.
    package var trace = TracePosition.untraced
    /// The path that the client asked, for traces.
    package var path: String?
    /// Whether it goes before other requests where they wait; a kin is told.
    package var priority = RequestPriority.interactive
    /// The only models that may answer; empty for all.
    package var allowedModels: [ModelID] = []
    /// What the caller is told to have used by it. In the node that the client asked.
    package var claim: UsageClaim?

    package init(
        id: RequestID = .random(), service: EngineService, model: ModelID? = nil, contentType: String, body: [UInt8],
        modelPlace: ModelPlace? = nil
    ) {
        self.id = id
        self.service = service
        self.model = model
        self.contentType = contentType
        self.body = body
        self.modelPlace = modelPlace
    }

    /// The body with another name for the model where the client named one, and every other byte as it was written.
    ///
    /// - Throws: `ChatError` for a name that no form can hold.
    package func body(naming model: ModelID) throws(ChatError) -> [UInt8] {
        let (place, name): (Range<Int>, [UInt8])
        switch modelPlace {
        case nil: return body
        case .json(let range)?: (place, name) = (range, JSONValue.string(model.rawValue).jsonBytes)
        case .form(let range)?:
            guard !model.rawValue.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
                throw ChatError(.invalidRequest, "the model's name cannot be sent in a form", field: "model")
            }
            (place, name) = (range, Array(model.rawValue.utf8))
        }
        guard !body[place].elementsEqual(name) else { return body }
        return Array(body[..<place.lowerBound]) + name + body[place.upperBound...]
    }
}

/// An engine's answer to a ``PassThroughRequest``, whose body is still coming.
package struct PassThroughAnswer: Sendable {
    /// The pieces as they come, each non-empty. Throws ``ChatError`` when it breaks; ends the work when its iterator is
    /// dropped or the consuming task is cancelled. Iterated once.
    package typealias Body = any AsyncSequence<[UInt8], any Error> & Sendable

    /// How long an engine may work before it says anything: nothing of a picture can be seen before it is whole.
    package static let firstByteLimit = Duration.seconds(600)
    /// Between two pieces.
    package static let stallLimit = Duration.seconds(60)
    /// Bytes of a body at most.
    package static let byteLimit = 512 << 20

    package var contentType: String
    package var body: Body

    package init(contentType: String, body: Body) {
        self.contentType = contentType
        self.body = body
    }
}
