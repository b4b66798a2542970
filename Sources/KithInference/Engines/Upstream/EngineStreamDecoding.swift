// SPDX-License-Identifier: Apache-2.0

package import KithDialects
package import KithModel
package import NIOCore

/// Reads one dialect's stream: a value that bytes go into and events come out of.
package protocol EngineStreamDecoding: Sendable {
    /// - Parameter events: Gets what the bytes add to the answer, also what came before a failure.
    /// - Throws: `ChatError`.
    mutating func feed(_ bytes: ByteBuffer, into events: inout [ChatEvent]) throws

    /// Called when the body has ended.
    ///
    /// - Throws: `ChatError` with `interrupted` when the answer is not whole.
    mutating func end() throws -> [ChatEvent]
}

extension OpenAIEventReader: EngineStreamDecoding {
    package mutating func feed(_ bytes: ByteBuffer, into events: inout [ChatEvent]) throws {
        try feed(bytes.readableBytesView, into: &events)
    }
}

extension OpenAIEventReader {
    /// Reads the answer to a request.
    ///
    /// - Parameter own: Events that are added to the engine's.
    package init(for request: ChatRequest, model: ModelID, own: OwnEvents? = nil) {
        self.init(kind: request.kind, mode: Mode(request), fallback: .init(request, model: model), own: own)
    }

    /// The events of an answer in one piece.
    static func events(ofWhole body: [UInt8], for request: ChatRequest, model: ModelID) throws -> [ChatEvent] {
        try events(
            ofWhole: body, kind: request.kind, mode: Mode(request), fallback: .init(request, model: model))
    }
}

extension OpenAIEventReader.Mode {
    fileprivate init(_ request: ChatRequest) {
        self = request.takesRawEvents ? .raw(includesUsage: request.includesUsage) : .decoded
    }
}

extension OpenAIAnswerHeader {
    /// What an answer to this request says where the engine does not.
    package init(_ request: ChatRequest, model: ModelID) {
        self.init(
            id: (request.kind == .chat ? "chatcmpl-" : "cmpl-") + request.id.rawValue,
            created: Int(WallTime.now().milliseconds / 1_000), model: model.rawValue)
    }
}

extension OllamaStreamDecoder: EngineStreamDecoding {
    package mutating func feed(_ bytes: ByteBuffer, into events: inout [ChatEvent]) throws {
        try feed(bytes.readableBytesView, into: &events)
    }
}

extension AnthropicStreamDecoder: EngineStreamDecoding {
    package mutating func feed(_ bytes: ByteBuffer, into events: inout [ChatEvent]) throws {
        try feed(bytes.readableBytesView, into: &events)
    }
}
