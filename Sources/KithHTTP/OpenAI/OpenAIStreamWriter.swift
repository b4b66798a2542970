// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
import KithInference
import KithModel
import KithStore
import NIOCore

/// Writes a routed answer as server-sent events, to its end or to an explicit error; never a fake end.
///
/// Memory that the asynchronous function needs is kept for as long as the stream is open: so the events are put into bytes
/// elsewhere, and this is an object, of which only the reference is copied.
final class OpenAIStreamWriter: Sendable {
    private let stream: RoutedStream
    private let encoder: OpenAIStreamEncoder
    private let store: Store

    init(stream: RoutedStream, encoder: OpenAIStreamEncoder, store: Store) {
        self.stream = stream
        self.encoder = encoder
        self.store = store
    }

    @concurrent
    func write(to writer: inout any ResponseBodyWriter) async throws {
        do {
            var opening = try opening()
            while let piece = try await next(after: opening) {
                opening = []
                try await writer.write(piece)
            }
            store.recordOutcome(.completed, at: .now())
        } catch {
            try await writer.write(try cutOff(by: error))
        }
        try await writer.finish(nil)
    }

    @inline(never)
    private func opening() throws -> [UInt8] { try encoder.opening() }

    private func next(after opening: [UInt8]) async throws -> ByteBuffer? {
        guard let event = try await stream.next() else { return nil }
        return try bytes(opening, event)
    }

    @inline(never)
    private func bytes(_ opening: [UInt8], _ event: RoutedEvent) throws -> ByteBuffer {
        let event =
            switch event {
            case .event(.waiting): OpenAIStreamEncoder.keepAlive
            case .event(.delta(let delta)): try encoder.delta(delta)
            case .event(.finished(let finish, let usage)): try encoder.closing(finish, usage: usage)
            case .continued(let continuation):
                try encoder.continued(
                    OpenAIContinuation(
                        node: continuation.candidate.node, model: continuation.candidate.model,
                        afterTokens: continuation.tokens, reason: continuation.failure))
            }
        return ByteBuffer(bytes: opening.isEmpty ? event : opening + event)
    }

    @inline(never)
    private func cutOff(by error: any Error) throws -> ByteBuffer {
        guard let failure = error as? ChatFailure else { throw error }
        store.recordOutcome(.cutOff, at: .now())
        return ByteBuffer(bytes: try encoder.failure(SurfaceProblem(failure).openAIBody))
    }
}

extension Response {
    /// An answer of server-sent events that intermediaries must pass on as they come.
    static func eventStream(
        route: RouteReport? = nil,
        _ write: @escaping @concurrent @Sendable (inout any ResponseBodyWriter) async throws -> Void
    ) -> Response {
        var response = Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-cache"],
            body: ResponseBody(write))
        response.headers.setRoute(route)
        return response
    }
}
