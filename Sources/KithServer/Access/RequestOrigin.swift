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
    /// Whether the browser goes to the address itself, as when somebody follows a link, and shows what it gets in place of the
    /// page where the link was.
    let isVisit: Bool

    init(origin: String?, fetchSite: String?, host: String?, isVisit: Bool = false) {
        self.origin = origin
        self.fetchSite = fetchSite
        self.host = host
        self.isVisit = isVisit
    }

    init(_ head: HTTPRequest) {
        let fields = head.headerFields
        self.init(
            origin: fields[.origin], fetchSite: fields[.secFetchSite], host: head.authority,
            isVisit: fields[.secFetchMode] == "navigate" && fields[.secFetchDestination] == "document")
    }

    /// Whether a page asks, or at least a browser.
    var isOfBrowser: Bool { origin != nil || fetchSite != nil }

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
    ///   - method: A link may lead here from anywhere. What a page loads for itself, such as a picture, it does not get either:
    ///     whether that succeeds tells it something, and a stream would take a place.
    ///   - hasKey: Whether the request has a valid key, which a page can send only with this node's consent.
    ///   - allowed: Which pages of other origins may ask without a key.
    func refusal(
        of method: HTTPRequest.Method, hasKey: @autoclosure () -> Bool, allowed: (String) -> Bool = { _ in false }
    ) -> AccessRefusal? {
        switch method {
        // What browsers ask beforehand, and what everybody may ask.
        case .options: return nil
        case .get, .head: if isVisit, origin == nil { return nil }
        default: break
        }
        guard isForeign(allowed: allowed), !hasKey() else { return nil }
        return .foreignOrigin(origin ?? "another site")
    }

    /// Whether the body of a request that a browser sends is declared as what no page can send without this node's consent: a
    /// form, or a text of no type, needs none (WHATWG Fetch, 2.2.2).
    static func isDeclared(_ head: HTTPRequest) -> Bool {
        let fields = head.headerFields
        if let type = fields[.contentType] { return MediaTypes.isJSON(type) }
        switch head.method {
        case .get, .head, .options, .delete:
            return (fields[.contentLength] ?? "0") == "0" && fields[.transferEncoding] == nil
        // Browsers say it when there is none.
        default: return fields[.contentLength] == "0"
        }
    }

    private static func authority(of origin: String) -> Substring? {
        guard origin.utf8.count <= 512, let separator = origin.firstRange(of: "://") else { return nil }
        guard ["http", "https"].contains(origin[..<separator.lowerBound].lowercased()) else { return nil }
        return origin[separator.upperBound...]
    }
}

extension HTTPField.Name {
    static let secFetchSite = Self.known("sec-fetch-site")
    fileprivate static let secFetchMode = Self.known("sec-fetch-mode")
    fileprivate static let secFetchDestination = Self.known("sec-fetch-dest")
}

/// Refuses what a browser sends for a page of another origin, unless it shows a key, and from any page a body that is not
/// declared as JSON.
package struct OriginMiddleware: RouterMiddleware {
    typealias Context = NodeRequestContext

    /// `nil` where there are no keys.
    package let access: AccessControl?
    /// Pages of other origins that may ask.
    private let allowed: @Sendable (String) -> Bool

    package init(access: AccessControl?, allowed: @escaping @Sendable (String) -> Bool = { _ in false }) {
        self.access = access
        self.allowed = allowed
    }

    func handle(
        _ request: Request, context: NodeRequestContext,
        next: @concurrent (Request, NodeRequestContext) async throws -> Response
    ) async throws -> Response {
        let origin = RequestOrigin(request.head)
        guard origin.isOfBrowser else { return try await next(request, context) }
        let hasKey = context.showsKey
        if let refusal = origin.refusal(of: request.method, hasKey: hasKey, allowed: allowed) {
            access?.audit.record(
                .clientRefused, subject: nil, source: context.source, reason: refusal.auditReason)
            throw refusal
        }
        // Whoever may not ask is told so by the route, and a key is sent by no form.
        guard origin.origin == nil || context.caller != .success(.local) || RequestOrigin.isDeclared(request.head)
        else {
            throw SurfaceRefusal.unsupportedMediaType(request.headers[.contentType] ?? "something of no type")
        }
        return try await next(request, context)
    }
}

extension NodeRequestContext {
    fileprivate var showsKey: Bool {
        switch caller {
        case .success(.key), .success(.control): true
        case .success(.local), .failure: false
        }
    }
}
