// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithDialects
import KithModel
import KithServer
import KithTrust
import NIOCore

/// Where a browser signs in to the page and out again: by a key, by the owner's token, or by a link that the owner's command
/// line made.
struct PageSessionRoutes: Sendable {
    static let path = "/api/page"
    private static let entrance = "/page/enter"
    private static let unstored: HTTPFields = [.cacheControl: "no-store"]

    let services: NodeServices

    private var page: PageSessions { services.access.page }

    func add(to router: SurfaceRouter) {
        // Open to everyone: whoever has no right yet is told so, and how to get one.
        router.surface(
            Self.path + "/session", scope: .everyone,
            [
                .get: { request, context in try own(request, context) },
                .post: { request, context in try open(request, context) },
                .delete: { request, context in close(request, context) },
            ])
        router.surface(Self.path + "/links", scope: .admin, [.post: { _, context in try link(context) }])
        router.surface(Self.entrance, scope: .everyone, [.get: { request, context in enter(request, context) }])
    }

    private func own(_ request: Request, _ context: NodeRequestContext) throws -> Response {
        return try .json(session(context.caller, in: request), headers: Self.unstored)
    }

    private func session(
        _ caller: Result<Principal, AccessRefusal>, in request: Request
    ) -> ControlMessage.PageSession {
        guard case .success(let principal) = caller else {
            return ControlMessage.PageSession(caller: .nobody, scopes: [], signedIn: false)
        }
        let (kind, name): (ControlMessage.PageSession.Caller, String?) =
            switch principal {
            case .local: (.local, nil)
            case .control: (.owner, nil)
            case .key(let record): (.key, record.name)
            }
        return ControlMessage.PageSession(
            caller: kind, name: name, scopes: Scope.allCases.filter(principal.may),
            signedIn: principal != .local && !PageCookie(request.head).words(in: request.head).isEmpty,
            node: services.name.rawValue, version: services.version)
    }

    /// A page of another origin could otherwise sign a browser in for somebody else.
    private func open(_ request: Request, _ context: NodeRequestContext) throws -> Response {
        if let refusal = PageCookie.refusal(of: request.head) { throw refusal }
        let holder = try services.access.holder(request.head)
        let word = try open(for: holder, context, reason: "by key")
        var headers = Self.unstored
        headers[.setCookie] = PageCookie(request.head).set(word)
        var session = session(context.caller, in: request)
        session.proof = PageCookie.proof(of: word)
        return try .json(session, status: .created, headers: headers)
    }

    private func close(_ request: Request, _ context: NodeRequestContext) -> Response {
        let cookie = PageCookie(request.head)
        for word in cookie.words(in: request.head) {
            guard let holder = page.close(word) else { continue }
            services.access.audit.record(
                .sessionClosed, subject: holder.subject, source: context.source, reason: "asked for")
        }
        var headers = Self.unstored
        headers[.setCookie] = cookie.cleared
        return Response(status: .noContent, headers: headers)
    }

    /// A link signs in as the owner, which the holder of a key is not, whatever its scopes.
    private func link(_ context: NodeRequestContext) throws -> Response {
        guard try context.caller.get() == .control else { throw AccessRefusal.scopeMissing(.admin, id: nil) }
        let code = page.makeLink(now: .now())
        services.access.audit.record(.linkCreated, subject: nil, source: context.source, reason: "asked for")
        return try .json(
            ControlMessage.PageLink(
                path: "\(Self.entrance)?code=\(code.reveal())",
                expiresSeconds: Int(PageLinkTable.lifetime.components.seconds)),
            status: .created, headers: Self.unstored)
    }

    /// Sends the browser on to the page, so that the code does not stay in its address.
    private func enter(_ request: Request, _ context: NodeRequestContext) -> Response {
        guard request.method == .get, let code = request.uri.queryParameters["code"],
            page.redeem(String(code), now: .now()),
            let word = try? open(for: .owner, context, reason: "by link")  // too many sessions
        else {
            return text(
                "This link was used already, or is older than a minute: kith dashboard makes another.\n",
                status: .forbidden)
        }
        var headers = Self.unstored
        headers[.setCookie] = PageCookie(request.head).set(word)
        // What follows the sign never leaves the browser; the page takes it from there.
        headers[.location] = "/#" + PageCookie.proof(of: word)
        headers.append(contentsOf: PageSecurity.fields)
        return Response(status: .seeOther, headers: headers)
    }

    private func text(_ text: String, status: HTTPResponse.Status) -> Response {
        var headers = Self.unstored
        headers[.contentType] = "text/plain; charset=utf-8"
        headers.append(contentsOf: PageSecurity.fields)
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    /// - Throws: `ControlError` when there are too many sessions.
    private func open(
        for holder: PageSessionTable.Holder, _ context: NodeRequestContext, reason: String
    ) throws -> Secret {
        guard let word = page.open(for: holder, now: .now()) else {
            throw ControlError(.busy, "too many browsers are signed in; sign out in some of them")
        }
        services.access.audit.record(
            .sessionOpened, subject: holder.subject, source: context.source, reason: reason)
        return word
    }
}

extension PageSessionTable.Holder {
    /// For the audit trail: the key's id.
    fileprivate var subject: String? {
        switch self {
        case .owner: nil
        case .key(let id): id
        }
    }
}
