// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithModel

/// Refuses what a browser sends for a page of another origin, unless it only reads or shows a key.
package struct OriginMiddleware: RouterMiddleware {
    typealias Context = NodeRequestContext

    /// `nil` where there are no keys.
    package let access: AccessControl?
    /// Pages of other origins that may ask.
    package var allowed: @Sendable (String) -> Bool

    package init(access: AccessControl?, allowed: @escaping @Sendable (String) -> Bool = { _ in false }) {
        self.access = access
        self.allowed = allowed
    }

    func handle(
        _ request: Request, context: NodeRequestContext,
        next: @concurrent (Request, NodeRequestContext) async throws -> Response
    ) async throws -> Response {
        let origin = RequestOrigin(request.head)
        guard let refusal = origin.refusal(of: request.method, hasKey: showsKey(request), allowed: allowed) else {
            return try await next(request, context)
        }
        access?.audit.record(
            .clientRefused, subject: nil, source: context.source, reason: refusal.auditReason)
        throw refusal
    }

    private func showsKey(_ request: Request) -> Bool {
        switch access?.caller(request.head) {
        case .success(.key), .success(.control): true
        case .success(.local), .failure, nil: false
        }
    }
}
