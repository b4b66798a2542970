// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import Hummingbird
import KithModel
import Logging

/// Gives each request a name, the client's own if it gave a sound one: routes find it in the request's field
/// `x-request-id`, the client in the answer's, and readers of the log beside each line about the request. Belongs outside
/// of all other middleware.
package struct RequestNaming: RouterMiddleware {
    package typealias Context = NodeRequestContext

    package init() {}

    package func handle(
        _ request: Request, context: NodeRequestContext,
        next: @concurrent (Request, NodeRequestContext) async throws -> Response
    ) async throws -> Response {
        let name = request.headers.requestID ?? .random()
        var head = request.head
        head.headerFields[.requestID] = name.rawValue
        var context = context
        context.logger[metadataKey: RequestLog.key] = "\(name)"
        var response = try await next(Request(head: head, body: request.body), context)
        response.headers[.requestID] = name.rawValue
        return response
    }
}

/// How log lines say which request they are about.
package enum RequestLog {
    package static let key = "request"
}
