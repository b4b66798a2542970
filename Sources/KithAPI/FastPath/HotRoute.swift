// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithServer
import Logging
import NIOCore

/// The one route that is answered before the framework: chat completions, which a gateway relays by the thousand.
final class HotRoute: Sendable {
    let services: NodeServices
    let logger: Logger

    init(services: NodeServices, logger: Logger) {
        self.services = services
        self.logger = logger
    }

    /// Answers it in a connection's channel.
    var handler: NodeChannel.EarlyHandler {
        { HotRouteHandler(route: self, executor: $0, limits: $1, wantsFramework: $2) }
    }

    /// Whoever is refused is answered by the framework's route.
    ///
    /// - Parameter known: Whom the connection has shown itself to be; looked at again after each change of the keys, and
    ///   every second, because a key can expire.
    func admits(_ request: HotRequest, known: inout KnownClient?, now: NIODeadline) -> Bool {
        let version = services.access.version
        if let known, known.version == version, now < known.until, known.key == request.key, known.host == request.host
        {
            return true
        }
        guard services.access.admits(request, to: .chat) else { return false }
        known = KnownClient(key: request.key, host: request.host, version: version, until: now + .seconds(1))
        return true
    }

    /// Who was let in last on a connection.
    struct KnownClient {
        fileprivate let key: PresentedKey?
        fileprivate let host: String
        fileprivate let version: UInt64
        fileprivate let until: NIODeadline
    }

    /// - Returns: `nil` for what is no request: the framework's route says what is wrong.
    func completion(_ body: ByteBuffer) -> OpenAICompletion? { try? OpenAICompletion(chat: [UInt8](buffer: body)) }

    /// - Returns: `nil` when the work was cancelled: nobody is there to be answered.
    func reply(to completion: OpenAICompletion, for request: HotRequest) async -> PlainReply? {
        do {
            let routed = try await services.dispatch(completion.request, headers: request.wishes)
            return try completion.reply(routed, services: services)
        } catch is CancellationError {
            return nil
        } catch {
            let problem = SurfaceProblem(error)
            problem.log(path: HotRequest.path, to: logger)
            return try? problem.reply(in: .openAI)  // encoding these few strings cannot fail
        }
    }
}

extension AccessControl {
    /// Whether the request may go on to a route. Says nothing to anybody: refusing is for the framework's routes.
    fileprivate func admits(_ request: HotRequest, to scope: RouteScope) -> Bool {
        guard case .success(let principal) = caller(key: request.key, host: request.host) else { return false }
        return scope.isOpen(to: principal)
    }
}
