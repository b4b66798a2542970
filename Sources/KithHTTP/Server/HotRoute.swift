// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithDialects
import KithInference
import KithModel
import Logging
import NIOCore

/// The one route that is answered before the framework: plain chat completions, which a gateway relays by the thousand.
struct HotRoute: Sendable {
    /// Bytes of a body that is taken; longer ones go through the framework, which reads them with back-pressure.
    static let bodyLimit = 64 << 10

    let services: NodeServices
    let logger: Logger

    /// Whether a request with this head can be answered here, if its body turns out not to ask for a stream.
    static func accepts(_ head: HTTPRequest) -> Bool {
        guard head.method == .post, head.path == "/v1/chat/completions" else { return false }
        var length: Int?
        for field in head.headerFields {  // once over them: each look-up by name would do the same
            switch field.name.canonicalName {
            case "expect": return false
            case "connection": guard field.value.lowercased() != "close" else { return false }
            case "content-type": guard MediaTypes.isJSON(field.value) else { return false }
            case "content-length":
                guard length == nil, let value = Int(field.value), value <= bodyLimit else { return false }
                length = value
            default: break
            }
        }
        return length != nil
    }

    /// Whoever is refused is answered by the framework's route.
    func admits(_ head: HTTPRequest) -> Bool { services.access.admits(head, to: .chat) }

    /// - Returns: `nil` when the request asks for a stream, or is not one: the framework's route says what is wrong.
    func completion(_ body: ByteBuffer) -> OpenAICompletion? {
        guard let completion = try? OpenAICompletion(chat: [UInt8](buffer: body)), !completion.request.streams else {
            return nil
        }
        return completion
    }

    /// - Returns: `nil` when the work was cancelled: nobody is there to be answered.
    func reply(to completion: OpenAICompletion, head: HTTPRequest) async -> PlainReply? {
        do {
            let routed = try await services.dispatch(completion.request, headers: head.headerFields)
            return try completion.reply(routed, services: services)
        } catch is CancellationError {
            return nil
        } catch {
            let problem = SurfaceProblem(error)
            problem.log(path: head.path ?? "", to: logger)
            return try? problem.reply(in: .openAI)  // encoding these few strings cannot fail
        }
    }
}
