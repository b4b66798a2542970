// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
import KithModel
import KithServer
import NIOCore

/// A chat with the node that keeps the conversation, told as it is made; what the page's chat is made of.
///
/// An answer belongs to its conversation and not to the connection on which it was asked for: it is made to its end, and kept,
/// also when nobody follows it, and whoever opens the conversation meanwhile follows it from its beginning.
struct ConversationRoutes: Sendable {
    private static let path = SessionRoutes.path + "/:id"

    let services: NodeServices
    private var running: RunningAnswers { services.running }

    init(services: NodeServices) { self.services = services }

    func add(to router: SurfaceRouter) {
        router.surface(Self.path + "/messages", scope: .chat, [.post: { try await ask($0, $1) }])
        router.surface(
            Self.path + "/answer", scope: .chat,
            [.get: { _, context in try follow(context) }, .delete: { _, context in try stop(context) }])
    }

    private func ask(_ request: Request, _ context: NodeRequestContext) async throws -> Response {
        let session = try SessionRoutes.session(in: context)
        let question = try await request.decode(SessionQuestion.self, upTo: services.limits.openAIBody).checked()
        let answer = RunningAnswer(
            session: session, asker: try context.asker,
            question: AnswerNews.question(question.message, images: question.images).bytes)
        do throws(RunningAnswers.Refusal) {
            try running.add(answer)
        } catch {
            throw switch error {
            case .busy: ControlError(.conflict, "this conversation is being answered; wait for it, or stop it")
            case .tooMany:
                ControlError(.busy, "too many conversations are being answered; try again later")
            }
        }
        let work = ConversationAnswer(
            services: services, caller: try context.caller.get(), answer: answer, question: question)
        answer.begin { [running] in
            let last = await work.run()
            // Whoever is told of the end may ask again at once.
            running.remove(answer)
            answer.end(last)
        }
        return try response(following: answer, from: [])
    }

    private func follow(_ context: NodeRequestContext) throws -> Response {
        guard let answer = try answer(for: context) else { return Response(status: .noContent) }
        return try response(following: answer, from: answer.question)
    }

    private func stop(_ context: NodeRequestContext) throws -> Response {
        try answer(for: context)?.stop()
        return Response(status: .noContent)
    }

    /// The answer that is being made; `nil` also for one that is none of the caller's affair.
    private func answer(for context: NodeRequestContext) throws -> RunningAnswer? {
        let answer = running[try SessionRoutes.session(in: context)]
        guard let answer, try answer.asker == context.asker || context.may(.admin) else { return nil }
        return answer
    }

    private func response(following answer: RunningAnswer, from beginning: [UInt8]) throws -> Response {
        guard let following = answer.following(heartbeat: services.limits.heartbeat, clock: services.clock) else {
            throw ControlError(.busy, "too many follow this answer already")
        }
        return .eventStream { writer in
            if !beginning.isEmpty { try await writer.write(ByteBuffer(bytes: beginning)) }
            try await following.write(to: &writer)
        }
    }
}

extension NodeRequestContext {
    /// - Throws: `AccessRefusal`.
    fileprivate var asker: Asker {
        get throws {
            switch try caller.get() {
            case .local: .local
            case .control: .owner
            case .key(let key): .key(key.id)
            }
        }
    }
}
