// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
import KithInference
import KithModel
import NIOCore

/// Writes a routed answer as server-sent events, to its end or to an explicit error; never a fake end.
struct OpenAIStreamWriter: Sendable {
    let stream: RoutedStream
    let encoder: OpenAIStreamEncoder
    let services: NodeServices

    @concurrent
    func write(to writer: inout any ResponseBodyWriter) async throws {
        do {
            var pending = try encoder.opening()
            while let event = try await stream.next() {
                switch event {
                case .event(.waiting): pending += OpenAIStreamEncoder.keepAlive
                case .event(.delta(let delta)): pending += try encoder.delta(delta)
                case .event(.finished(let finish, let usage)): pending += try encoder.closing(finish, usage: usage)
                case .continued(let continuation):
                    pending += try encoder.continued(
                        OpenAIContinuation(
                            node: continuation.candidate.node, model: continuation.candidate.model,
                            afterTokens: continuation.tokens, reason: continuation.failure))
                }
                try await writer.write(ByteBuffer(bytes: pending))
                pending.removeAll(keepingCapacity: true)
            }
            services.record(.completed)
        } catch let failure as ChatFailure {
            services.record(.cutOff)
            let problem = SurfaceProblem(failure)
            try await writer.write(ByteBuffer(bytes: try encoder.failure(problem.openAIBody)))
        }
        try await writer.finish(nil)
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
