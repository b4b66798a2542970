// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
package import KithModel

/// Finds out who asks before any route is reached, and writes down who was refused.
///
/// Each route itself says what it needs; see `surface(_:scope:_:)`.
package struct AccessMiddleware: RouterMiddleware {
    typealias Context = NodeRequestContext

    package let access: AccessControl

    package init(access: AccessControl) { self.access = access }

    func handle(
        _ request: Request, context: NodeRequestContext,
        next: @concurrent (Request, NodeRequestContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        context.caller = access.caller(request.head)
        do {
            return try await next(request, context)
        } catch let refusal as AccessRefusal {
            note(refusal, from: context)
            throw refusal
        } catch let error as any HTTPResponseError where error.status == .notFound {
            // Whoever is let in nowhere is not told what there is.
            guard case .failure(let refusal) = context.caller else { throw error }
            note(refusal, from: context)
            throw refusal
        }
    }

    private func note(_ refusal: AccessRefusal, from context: NodeRequestContext) {
        access.audit.record(
            .clientRefused, subject: refusal.keyID, source: context.source, reason: refusal.auditReason)
    }
}

extension NodeRequestContext {
    /// - Throws: ``AccessRefusal``.
    func require(_ scope: RouteScope) throws {
        if scope == .everyone { return }
        let principal = try caller.get()
        guard scope.isOpen(to: principal) else {
            if case .key(let key) = principal { throw AccessRefusal.scopeMissing(scope, id: key.id) }
            throw AccessRefusal.scopeMissing(scope, id: nil)
        }
    }

    package func may(_ scope: Scope) -> Bool {
        guard case .success(let principal) = caller else { return false }
        return principal.may(scope)
    }
}
