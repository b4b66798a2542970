// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithModel

/// What a browser says about the page for which it sends a request (RFC 6454, section 7; W3C Fetch Metadata).
///
/// Any web page may make a browser send a request to this machine: it cannot read the answer, but the request takes
/// effect. Programs other than browsers do not say this, and a page cannot make them send requests.
struct RequestOrigin {
    /// The fields `Origin` and `Sec-Fetch-Site`, and the host that was asked.
    let origin: String?
    let fetchSite: String?
    let host: String?

    init(origin: String?, fetchSite: String?, host: String?) {
        self.origin = origin
        self.fetchSite = fetchSite
        self.host = host
    }

    init(_ head: HTTPRequest) {
        self.init(
            origin: head.headerFields[.origin], fetchSite: head.headerFields[.secFetchSite], host: head.authority)
    }

    /// Whether the page is not one that this listener has served itself.
    ///
    /// - Parameter allowed: which pages of other origins may ask all the same.
    func isForeign(allowed: (String) -> Bool = { _ in false }) -> Bool {
        if let origin {
            if allowed(origin) { return false }
            guard let host, let authority = Self.authority(of: origin) else { return true }
            if authority.lowercased() != host.lowercased() { return true }
        }
        guard let fetchSite else { return false }
        // `none` is the person at the browser, who typed the address.
        return !["same-origin", "none"].contains(fetchSite.lowercased())
    }

    /// Why the request is refused; `nil` when it is not.
    ///
    /// - Parameters:
    ///   - method: A method that only reads is allowed where the page does not get to see the answer.
    ///   - hasKey: Whether the request has a valid key, which a page can send only with this node's consent.
    ///   - allowed: Which pages of other origins may ask without a key.
    ///   - mayRead: Which of them get to see the answers.
    func refusal(
        of method: HTTPRequest.Method, hasKey: @autoclosure () -> Bool, allowed: (String) -> Bool = { _ in false },
        mayRead: (String) -> Bool = { _ in false }
    ) -> AccessRefusal? {
        switch method {
        case .get, .head, .options: guard let origin, mayRead(origin) else { return nil }
        default: break
        }
        guard isForeign(allowed: allowed), !hasKey() else { return nil }
        return .foreignOrigin(origin ?? "another site")
    }

    private static func authority(of origin: String) -> Substring? {
        guard origin.utf8.count <= 512, let separator = origin.firstRange(of: "://") else { return nil }
        guard ["http", "https"].contains(origin[..<separator.lowerBound].lowercased()) else { return nil }
        return origin[separator.upperBound...]
    }
}

extension HTTPField.Name {
    static let secFetchSite = Self.known("sec-fetch-site")
}

/// Refuses what a browser sends for a page of another origin, unless it only reads or shows a key.
package struct OriginMiddleware: RouterMiddleware {
    typealias Context = NodeRequestContext

    /// `nil` where there are no keys.
    package let access: AccessControl?
    /// Pages of other origins that may ask.
    private let allowed: @Sendable (String) -> Bool
    /// Pages of other origins that see the answers, and may ask if they show a key.
    private let mayRead: @Sendable (String) -> Bool

    package init(access: AccessControl?, allowed: @escaping @Sendable (String) -> Bool = { _ in false }) {
        self.access = access
        self.allowed = allowed
        mayRead = { _ in false }
    }

    package init(access: AccessControl, origins: AllowedOrigins) {
        self.access = access
        allowed = origins.names
        mayRead = origins.mayRead
    }

    func handle(
        _ request: Request, context: NodeRequestContext,
        next: @concurrent (Request, NodeRequestContext) async throws -> Response
    ) async throws -> Response {
        let origin = RequestOrigin(request.head)
        let refusal = origin.refusal(
            of: request.method, hasKey: showsKey(request), allowed: allowed, mayRead: mayRead)
        guard let refusal else { return try await next(request, context) }
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
