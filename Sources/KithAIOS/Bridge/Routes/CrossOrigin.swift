// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithServer

/// Lets the pages of ``PageOrigin`` read the answers (WHATWG Fetch, 3.2), and answers what browsers ask beforehand.
struct CrossOrigin: RouterMiddleware {
    typealias Context = NodeRequestContext

    private static let methods = "GET, POST, OPTIONS"
    private static let fields = "Content-Type, Authorization, X-API-Key, Idempotency-Key"
    /// How long a browser need not ask again, in seconds.
    private static let maximumAge = "600"

    func handle(
        _ request: Request, context: NodeRequestContext,
        next: @concurrent (Request, NodeRequestContext) async throws -> Response
    ) async throws -> Response {
        let origin = request.headers[.origin].flatMap { PageOrigin.isAllowed($0) ? $0 : nil }
        // Such a question comes without keys, so it is answered before anybody looks for one.
        if let origin, request.method == .options, request.headers[.accessControlRequestMethod] != nil {
            return Response(status: .noContent, headers: preflight(origin, asked: request.headers))
        }
        var response = try await next(request, context)
        response.headers.append(HTTPField(name: .vary, value: "Origin"))
        if let origin { response.headers[.accessControlAllowOrigin] = origin }
        return response
    }

    private func preflight(_ origin: String, asked: HTTPFields) -> HTTPFields {
        [
            .accessControlAllowOrigin: origin, .accessControlAllowMethods: Self.methods,
            .accessControlAllowHeaders: Self.fields, .accessControlMaxAge: Self.maximumAge,
            .vary: "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
        ]
    }
}
