// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import Hummingbird

/// Lets the pages of some origins read the answers, errors and streams included (WHATWG Fetch, 3.2), and answers what
/// browsers ask beforehand.
///
/// Belongs outside of the middleware that asks for keys: what is asked beforehand comes without one.
package struct CrossOrigin: RouterMiddleware {
    package typealias Context = NodeRequestContext

    /// What browsers let every page see of an answer they may read.
    private static let alwaysSeen: Set<String> = [
        "cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma",
    ]
    /// How long a browser need not ask again, in seconds.
    private static let maximumAge = "600"

    private let mayRead: @Sendable (String) -> Bool
    private let methods: String
    private let fields: String?

    /// - Parameters:
    ///   - methods: Those that pages may use, with commas between them.
    ///   - fields: The fields that they may send, likewise; `nil` for all that a page wants to send.
    ///   - mayRead: Whether pages of this origin may read the answers.
    package init(
        methods: String = "GET, HEAD, POST, PUT, PATCH, DELETE", fields: String? = nil,
        mayRead: @escaping @Sendable (String) -> Bool
    ) {
        self.methods = methods
        self.fields = fields
        self.mayRead = mayRead
    }

    package func handle(
        _ request: Request, context: NodeRequestContext,
        next: @concurrent (Request, NodeRequestContext) async throws -> Response
    ) async throws -> Response {
        let origin = request.headers[.origin].flatMap { mayRead($0) ? $0 : nil }
        if let origin, request.method == .options, request.headers[.accessControlRequestMethod] != nil {
            return Response(status: .noContent, headers: preflight(origin, asked: request.headers))
        }
        var response = try await next(request, context)
        if let origin {
            let hidden = response.headers.map(\.name.canonicalName).filter { !Self.alwaysSeen.contains($0) }
            if !hidden.isEmpty {
                response.headers[.accessControlExposeHeaders] = Set(hidden).sorted().joined(separator: ", ")
            }
            response.headers[.accessControlAllowOrigin] = origin
        }
        response.headers.append(HTTPField(name: .vary, value: "Origin"))
        return response
    }

    private func preflight(_ origin: String, asked: HTTPFields) -> HTTPFields {
        var answer: HTTPFields = [
            .accessControlAllowOrigin: origin, .accessControlAllowMethods: methods,
            .accessControlMaxAge: Self.maximumAge,
            .vary: "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
        ]
        answer[.accessControlAllowHeaders] = fields ?? asked[.accessControlRequestHeaders]
        // A page of the internet that asks for something on this network (Private Network Access, 3.1.2).
        if asked[.requestPrivateNetwork] == "true" { answer[.allowPrivateNetwork] = "true" }
        return answer
    }
}

/// Answers what browsers ask beforehand for a page that may not use the node, by naming the one origin that may: the node's
/// own. A browser takes that for a refusal, and tells whoever looks both origins (WHATWG Fetch, 4.9).
///
/// Belongs outside of the middleware that asks for keys, and after ``CrossOrigin``, which answers for the pages that may.
package struct PreflightRefusal: RouterMiddleware {
    package typealias Context = NodeRequestContext

    package init() {}

    package func handle(
        _ request: Request, context: NodeRequestContext,
        next: @concurrent (Request, NodeRequestContext) async throws -> Response
    ) async throws -> Response {
        guard request.method == .options, request.headers[.origin] != nil,
            request.headers[.accessControlRequestMethod] != nil, let own = request.ownOrigin
        else { return try await next(request, context) }
        return Response(status: .noContent, headers: [.accessControlAllowOrigin: own, .vary: "Origin"])
    }
}

extension Request {
    /// The origin of this node's own pages, by the name under which the client asks; `nil` for what is no name.
    fileprivate var ownOrigin: String? {
        head.authority.flatMap { WebOrigin.normalised("\(head.scheme ?? "http")://\($0)") }
    }
}

extension HTTPField.Name {
    fileprivate static let requestPrivateNetwork = Self.known("access-control-request-private-network")
    fileprivate static let allowPrivateNetwork = Self.known("access-control-allow-private-network")
}
