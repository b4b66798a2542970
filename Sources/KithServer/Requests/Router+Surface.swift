// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import Hummingbird
import KithDialects
package import KithModel
package import NIOCore

package typealias SurfaceRouter = Hummingbird.Router<NodeRequestContext>

extension SurfaceRouter {
    package typealias Handler = @Sendable (Request, NodeRequestContext) async throws -> Response

    /// Adds a path with all methods that are allowed on it; every other is answered with 405 and the allowed ones.
    ///
    /// - Parameter scope: what a caller must be allowed to do to reach any of it.
    package func surface(_ path: String, scope: RouteScope, _ handlers: [HTTPRequest.Method: Handler]) {
        surface(
            path,
            handlers.mapValues { handler in
                { request, context in
                    try context.require(scope)
                    return try await handler(request, context)
                }
            },
            refusing: { try $0.require(scope) })
    }

    private func surface(
        _ path: String, _ handlers: [HTTPRequest.Method: Handler],
        refusing: @escaping @Sendable (NodeRequestContext) throws -> Void
    ) {
        let path = RouterPath(path)
        var allowed = handlers.keys.sorted { $0.rawValue < $1.rawValue }
        if handlers[.get] != nil { allowed.append(.head) }
        for (method, handler) in handlers { on(path, method: method, use: handler) }
        if let get = handlers[.get] {
            on(path, method: .head) { request, context in
                try await get(request, context).createHeadResponse()
            }
        }
        for method in [.get, .head, .post, .put, .patch, .delete, .options] as [HTTPRequest.Method]
        where !allowed.contains(method) {
            on(path, method: method) { [allowed] _, context -> Response in
                try refusing(context)
                throw SurfaceRefusal.methodNotAllowed(allowed)
            }
        }
    }
}

extension Request {
    /// A whole number from the query.
    ///
    /// - Returns: `nil` when the query does not name it.
    /// - Throws: `ControlError` for what is not a number in the range.
    package func queryNumber(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let text = uri.queryParameters[name[...]] else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw ControlError(.invalid, "'\(name)' must be from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}

extension RequestContext {
    /// The part of the path that stands for a name such as `:id`, without its escapes.
    ///
    /// - Returns: `nil` when it is missing, has an invalid escape, or is not UTF-8.
    package func pathParameter(_ name: String) -> String? { parameters.get(name).flatMap(PathSegment.unescaped) }
}

/// The context of a request on a node's listener.
package struct NodeRequestContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// The connection's other end.
    package let remoteAddress: SocketAddress?
    /// The connection, or the stream of one, that the request came on.
    let channel: any Channel
    /// Where the request comes from, once ``AccessMiddleware`` has looked.
    package var arrival: RequestSource?
    /// The caller; `.failure(.keyMissing)` until ``AccessMiddleware`` has identified it.
    package var caller: Result<Principal, AccessRefusal> = .failure(.keyMissing)

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
        remoteAddress = source.channel.remoteAddress
    }

    /// The address of the client, without the port.
    package var source: String? { arrival?.address?.description ?? remoteAddress?.source }

    /// The same as one address; `nil` for a local socket, and for what a proxy of this machine passes on from nobody knows where.
    package var sourceAddress: AddressRange? {
        guard let arrival else { return remoteAddress?.range }
        return arrival.address.flatMap { $0.isLoopback && !arrival.mayBeOfThisMachine ? nil : $0 }
    }
}
