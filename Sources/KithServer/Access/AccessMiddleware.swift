// SPDX-License-Identifier: Apache-2.0

import KithDialects
import HTTPTypes
import Hummingbird
import KithMetrics
package import KithModel
package import KithTrust

/// Identifies the caller before any route is reached, and records refusals in the audit trail.
///
/// Each route itself says what it needs; see `surface(_:scope:_:)`.
package struct AccessMiddleware: RouterMiddleware {
    typealias Context = NodeRequestContext

    package let access: AccessControl
    private let gate: ConnectionGate?

    /// - Parameter gate: Of the listener.
    package init(access: AccessControl, gate: ConnectionGate? = nil) {
        self.access = access
        self.gate = gate
    }

    func handle(
        _ request: Request, context: NodeRequestContext,
        next: @concurrent (Request, NodeRequestContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        let source = access.source(of: request.head, over: context.remoteAddress?.range)
        context.arrival = source
        do {
            if let gate, !gate.admits(source) { throw AccessRefusal.addressDenied }
            try access.limits.countAddress(source)
            context.caller = access.caller(request.head, from: source)
            switch context.caller {
            case .success(let principal):
                access.requests(of: principal)?.increment()
                let pace = try access.limits.count(principal, from: context.sourceAddress)
                gate?.settle(context.channel)
                var response = try await next(request, context)
                pace?.tell(&response.headers)
                return response
            // Nobody gets anything by a name that is not this node's, not even whether it lives.
            case .failure(.foreignHost(let host)): throw AccessRefusal.foreignHost(host)
            case .failure: return try await next(request, context)
            }
        } catch let refusal as AccessRefusal {
            note(refusal, from: context)
            throw refusal
        } catch let refusal as LimitRefusal {
            var keyID: String?
            if case .success(.key(let key)) = context.caller { keyID = key.id }
            access.audit.record(
                .clientRefused, subject: keyID, source: context.source, reason: refusal.auditReason)
            throw refusal
        } catch let error as any HTTPResponseError where error.status == .notFound {
            // A caller that may use no route is not told which routes exist.
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
    package func require(_ scope: RouteScope) throws {
        if scope == .everyone { return }
        try require(anyOf: scope)
    }

    private func require(anyOf scope: RouteScope) throws {
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

/// Why a request was refused.
package enum AccessRefusal: Error, Hashable {
    case keyMissing
    /// Without a key, passed on by a proxy, so that it may come from another machine.
    case passedOn
    /// The rules of this listener keep the client's address out, which the proxy has told.
    case addressDenied
    /// Two different keys were shown.
    case severalKeys
    /// A browser's cookie does not count, or no longer.
    case sessionEnded
    /// Why the key is not accepted, and its id if there is a key with this id.
    case keyRefused(KeyRefusal, id: String?)
    /// What the route requires, and the id of the key that does not have it; `nil` when the request had no key.
    case scopeMissing(RouteScope, id: String?)
    /// A request without a key for a name that is not this machine's.
    case foreignHost(String)
    /// A request that a browser sends for a page of this other origin, without a key.
    case foreignOrigin(String)

    var status: HTTPResponse.Status {
        switch self {
        case .keyMissing, .severalKeys, .passedOn, .keyRefused, .sessionEnded: .unauthorized
        case .scopeMissing, .foreignOrigin, .addressDenied: .forbidden
        case .foreignHost: .misdirectedRequest
        }
    }

    package var message: String {
        switch self {
        case .keyMissing: "this needs a key: send it as 'Authorization: Bearer kith_…' or as 'X-API-Key: kith_…'"
        case .passedOn:
            """
            a proxy has passed this on, so it needs a key: send it as 'Authorization: Bearer kith_…' or as \
            'X-API-Key: kith_…'; a proxy whose word for who asks counts is named in server.trusted_proxies
            """
        case .addressDenied: "this address may not use this node"
        case .severalKeys: "two different keys were sent, and one must be meant; send one"
        case .sessionEnded: "this browser is no longer signed in; sign in again"
        case .keyRefused: "the key is not accepted; whoever made it can say why, and make another"
        case .scopeMissing(let scope, let id):
            (id == nil ? "this needs a key with the scope " : "the key lacks the scope ")
                + scope.anyOf.map { "'\($0.rawValue)'" }.joined(separator: " or ")
        case .foreignHost(let host):
            """
            this node does not answer to the name '\(host.prefix(100))' without a key; use localhost, or add the name to \
            server.allowed_hosts
            """
        case .foreignOrigin(let origin):
            """
            a browser sent this for a page of '\(origin.prefix(100))', which may not use this node; name the page in \
            server.allowed_origins, let it send a key, as 'Authorization: Bearer kith_…', or ask from a program
            """
        }
    }

    /// As programs read it.
    var code: RequestRefusalCode {
        switch self {
        case .keyMissing, .severalKeys, .passedOn, .keyRefused: .invalidKey
        case .addressDenied: .addressDenied
        case .sessionEnded: .sessionEnded
        case .scopeMissing: .missingScope
        case .foreignHost: .foreignHost
        case .foreignOrigin: .foreignOrigin
        }
    }

    var headers: HTTPFields { status == .unauthorized ? [.wwwAuthenticate: #"Bearer realm="kith""#] : [:] }

    /// For the audit trail: one of few texts, none chosen by the client, so that repetitions can be merged.
    var auditReason: String {
        switch self {
        case .keyMissing: "no key"
        case .passedOn: "no key, passed on"
        case .addressDenied: ConnectionGate.Refusal.denied.rawValue
        case .severalKeys: "several keys"
        case .sessionEnded: "session ended"
        case .keyRefused(let reason, _): "key " + reason.rawValue
        case .scopeMissing(let scope, _): "no scope " + scope.anyOf.map(\.rawValue).joined(separator: " or ")
        case .foreignHost: "foreign host name"
        case .foreignOrigin: "page of another origin"
        }
    }

    var keyID: String? {
        switch self {
        case .keyRefused(_, let id), .scopeMissing(_, let id): id
        case .keyMissing, .severalKeys, .passedOn, .addressDenied, .sessionEnded, .foreignHost, .foreignOrigin: nil
        }
    }
}
