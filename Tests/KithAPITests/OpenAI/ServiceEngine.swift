// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization

/// An engine with two models that are not for chats; it passes a body on in pieces, perhaps not to its end, and remembers
/// what it was asked.
final class ServiceEngine: ChatEngine {
    private let contentType: String
    private let pieces: [String]
    private let failure: ChatError?
    private let refusal: ChatError?
    private let asked = Mutex<[PassThroughRequest]>([])

    init(_ contentType: String, _ pieces: [String], failure: ChatError? = nil, refusal: ChatError? = nil) {
        self.contentType = contentType
        self.pieces = pieces
        self.failure = failure
        self.refusal = refusal
    }

    var kind: EngineKind { .openAI }
    var capacity: EngineCapacity { EngineCapacity(slots: 1) }
    var requests: [PassThroughRequest] { asked.withLock { $0 } }

    func models() async throws -> [ModelInfo] {
        [ModelInfo(id: "embedder", embeds: true, chats: false), ModelInfo(id: "whisper-1", chats: false)]
    }

    func health() async -> EngineHealth { .ready }
    func continuationWay(for request: ChatRequest) async throws -> ContinuationWay { .anew }
    func answer(_ request: ChatRequest) async throws -> ChatAnswer { throw ChatError(.unsupported, "no chats") }
    func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer { throw ChatError(.unsupported, "no") }

    func passThrough(_ request: PassThroughRequest) async throws -> PassThroughAnswer {
        asked.withLock { $0.append(request) }
        if let refusal { throw refusal }
        return PassThroughAnswer(
            contentType: contentType, body: Pieces(pieces: pieces.map { Array($0.utf8) }, failure: failure))
    }

    private struct Pieces: AsyncSequence, AsyncIteratorProtocol, Sendable {
        typealias Element = [UInt8]
        typealias Failure = any Error

        var pieces: [[UInt8]]
        let failure: ChatError?

        mutating func next() async throws -> [UInt8]? {
            if !pieces.isEmpty { return pieces.removeFirst() }
            if let failure { throw failure }
            return nil
        }

        func makeAsyncIterator() -> Pieces { self }
    }
}
