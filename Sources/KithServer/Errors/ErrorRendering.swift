// SPDX-License-Identifier: Apache-2.0

package import Hummingbird

/// Turns everything that is thrown into an answer in the dialect of the route: one place, so that no client ever gets a
/// stack trace, an empty body, or another dialect's error.
package struct ErrorRendering<Context: RequestContext>: RouterMiddleware {
    private let dialect: @Sendable (Request) -> ErrorDialect
    private let ownAnswer: @Sendable (any Error) throws -> Response?

    /// - Parameters:
    ///   - dialect: The error shape that the client expects, by path and headers.
    ///   - ownAnswer: The answer to an error that has a body of its own, which is not logged; `nil` for every other error.
    ///     May throw `EncodingError` only.
    package init(
        dialect: @escaping @Sendable (Request) -> ErrorDialect,
        ownAnswer: @escaping @Sendable (any Error) throws -> Response? = { _ in nil }
    ) {
        self.dialect = dialect
        self.ownAnswer = ownAnswer
    }

    package func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as CancellationError {
            throw error  // the client has gone
        } catch {
            if let answer = try ownAnswer(error) { return answer }
            let problem = SurfaceError(error)
            problem.log(path: request.uri.path, to: context.logger)
            return try problem.reply(in: dialect(request)).response
        }
    }
}

/// The shape in which the clients of a surface are told what went wrong.
package struct ErrorDialect: Sendable {
    let reply: @Sendable (SurfaceError) throws -> PlainReply

    /// - Parameter reply: May throw `EncodingError` only.
    package init(_ reply: @escaping @Sendable (SurfaceError) throws -> PlainReply) { self.reply = reply }
}
