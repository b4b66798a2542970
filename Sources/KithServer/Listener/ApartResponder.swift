// SPDX-License-Identifier: Apache-2.0

package import Hummingbird

/// Finds the response to each request in a child task, so that the task which then writes it is not left with a deep stack.
///
/// A task keeps the memory that its deepest calls needed until it ends. Middleware, routing and the search for an engine go
/// thirty kilobytes deep, and the task that writes a stream is there for as long as the stream is.
package struct ApartResponder<Base: HTTPResponder>: HTTPResponder where Base.Context: Sendable {
    package let base: Base

    package init(base: Base) { self.base = base }

    package func respond(to request: Request, context: Base.Context) async throws -> Response {
        try await withThrowingTaskGroup(of: Response.self) { group in
            group.addTask { try await base.respond(to: request, context: context) }
            guard let response = try await group.next() else { throw CancellationError() }
            return response
        }
    }
}
