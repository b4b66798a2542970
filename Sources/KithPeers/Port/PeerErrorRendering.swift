// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithInference
import KithModel
import KithServer

extension ErrorDialect {
    /// As ``PeerLink`` understands it.
    static let peer = ErrorDialect {
        try PlainReply(PeerWire.Line.failure($0.asFailure), status: $0.status, headers: $0.headers)
    }
}

/// Turns everything that is thrown on the peer port into an answer that ``PeerLink`` understands.
struct PeerErrorRendering: RouterMiddleware {
    typealias Context = PeerRequestContext

    func handle(
        _ request: Request, context: PeerRequestContext,
        next: @concurrent (Request, PeerRequestContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as CancellationError {
            throw error  // nobody is there to be answered
        } catch let refusal as PeerRefusal {
            return try .json(refusal, status: .forbidden)
        } catch let refusal as PairingRejection {
            return try .json(refusal, status: .forbidden)
        } catch {
            let problem = SurfaceProblem(error)
            problem.log(path: request.uri.path, to: context.logger)
            return try problem.reply(in: .peer).response
        }
    }
}
