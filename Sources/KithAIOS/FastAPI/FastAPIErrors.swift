// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithModel
import KithServer

/// Turns everything that is thrown into `{"detail": …}`, the shape of AIOS services.
struct FastAPIErrors: RouterMiddleware {
    typealias Context = NodeRequestContext

    func handle(
        _ request: Request, context: NodeRequestContext,
        next: @concurrent (Request, NodeRequestContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as CancellationError {
            throw error  // nobody is there to be answered
        } catch let body as UnusableBody {
            return try .json(Detail(detail: body.faults), status: .unprocessableContent)
        } catch let refusal as FastAPIRefusal {
            return try .json(
                Detail(detail: refusal.message), status: refusal.status,
                headers: refusal.headers.sayingWhen(refusal.status))
        } catch {
            let problem = SurfaceError(error)
            problem.log(path: request.uri.path, to: context.logger)
            return try problem.reply(in: .detail).response
        }
    }
}

extension ErrorDialect {
    /// `{"detail": …}`, of AIOS services.
    static let detail = ErrorDialect { try PlainReply(Detail<String>($0), status: $0.status, headers: $0.headers) }
}

/// An error as AIOS services say it.
struct Detail<Content: Encodable>: Encodable {
    var detail: Content
}

extension Detail<String> {
    init(_ problem: SurfaceError) {
        switch problem.status {
        case .notFound: detail = "Not Found"
        case .methodNotAllowed: detail = "Method Not Allowed"
        default: detail = problem.message
        }
    }
}

/// An error whose words and status the route decides.
struct FastAPIRefusal: Error {
    var status: HTTPResponse.Status
    var message: String
    var headers: HTTPFields = [:]
}
