// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithDialects
import KithInference
import KithModel
import KithServer

/// The body of a request to a path that Ollama's clients and the seeds share, and whose it is.
struct SharedBody: Sendable {
    let bytes: [UInt8]
    let form: SharedRequestForm

    /// Reads the body, and refuses what a seed may not send. Ollama's clients may send any content type, as to Ollama:
    /// what a page of another origin sends does not come so far.
    ///
    /// - Throws: ``SurfaceRefusal``.
    static func read(
        _ request: Request, to route: OllamaRoute, by context: NodeRequestContext, limits: SurfaceLimits
    ) async throws -> SharedBody {
        let limit = max(limits.seedBody, limits.openAIBody)
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limit {
            throw SurfaceRefusal.tooLarge(limit)
        }
        let bytes = try await request.body(upTo: limit)
        // A caller that may not chat is a peer, and peers speak as seeds do.
        let form =
            context.may(.chat) ? SharedRequestForm(route, bytes, accept: request.headers[.accept]) : .seed
        if form == .seed {
            if let type = request.headers[.contentType], !MediaTypes.isJSON(type) {
                throw SurfaceRefusal.unsupportedMediaType(type)
            }
            guard bytes.count <= limits.seedBody else { throw SurfaceRefusal.tooLarge(limits.seedBody) }
        }
        return SharedBody(bytes: bytes, form: form)
    }
}

/// Answers `/api/chat` and `/api/generate` to clients of Ollama's dialect.
struct OllamaAnswers: Sendable {
    let services: NodeServices

    /// - Parameter bytes: A body of the form `ollama`.
    /// - Throws: `CancellationError` only, when the client has gone: on these paths errors would be the seeds'.
    func answer(
        _ route: OllamaRoute, _ bytes: [UInt8], to request: Request, _ context: NodeRequestContext
    ) async throws -> Response {
        do {
            let asked = try read(route, bytes)
            return try await answer(OllamaCompletion(asked, clock: services.clock), to: request, context)
        } catch let error as CancellationError {
            throw error
        } catch {
            let problem = SurfaceError(error)
            problem.log(path: request.uri.path, to: context.logger)
            return try problem.reply(in: .ollamaBesideSeed).response
        }
    }

    private func read(_ route: OllamaRoute, _ bytes: [UInt8]) throws -> OllamaChatRequest {
        switch route {
        case .chat: try .readChat(bytes)
        case .generate: try .readGenerate(bytes)
        }
    }

    private func answer(
        _ completion: OllamaCompletion, to request: Request, _ context: NodeRequestContext
    ) async throws -> Response {
        let asked = completion.asked
        if let handling = asked.handling {
            _ = try services.model(of: asked.model, for: try context.caller.get())
            return completion.reply(to: handling).response
        }
        guard asked.chat.streams else {
            let routed = try await services.dispatch(
                asked.chat, by: try context.caller.get(), headers: request.headers, path: request.uri.path)
            return try completion.reply(routed, services: services).response
        }
        return try await AnswerStreamWriter.response(
            to: asked.chat, as: completion.streamText, by: context, headers: request.headers,
            path: request.uri.path, services: services)
    }
}
