// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithDialects
import KithPage
import KithServer
import NIOCore

/// The files of the page. They hold nothing of this node, so that everyone gets them who calls it by its own name; what the
/// page shows it reads from routes that ask for a key where one is needed.
struct PageRoutes: Sendable {
    /// A browser keeps what has the hash of its content in its name.
    private static let forGood = "public, max-age=31536000, immutable"

    func add(to router: SurfaceRouter) {
        router.surface("/ui/:view", scope: .everyone, [.get: { try view($0, $1) }])
        router.surface("/page/:file", scope: .everyone, [.get: { try part($0, $1) }])
    }

    /// The page for a browser that asks for it by an address without a view.
    ///
    /// - Returns: `nil` for programs that want text, and in a program without the page.
    static func index(for request: Request) -> Response? {
        guard let index = Page.index, wantsPage(request) else { return nil }
        return response(index, to: request, cache: "no-cache")
    }

    /// Whether a client names HTML in `Accept`, as browsers do and programs do not.
    static func wantsPage(_ request: Request) -> Bool {
        request.headers[.accept]?.lowercased().contains("text/html") ?? false
    }

    private func view(_ request: Request, _ context: NodeRequestContext) throws -> Response {
        guard let view = context.parameters.get("view"), Page.views.contains(view) else {
            throw ControlError(.notFound, "the page has no such view; there are \(Page.views.joined(separator: ", "))")
        }
        guard let index = Page.index else { throw ControlError(.notFound, Page.absence) }
        return Self.response(index, to: request, cache: "no-cache")
    }

    private func part(_ request: Request, _ context: NodeRequestContext) throws -> Response {
        guard let file = context.parameters.get("file").flatMap({ Page.parts[$0] }) else {
            throw ControlError(.notFound, "the page has no such file; load the page again")
        }
        return Self.response(file, to: request, cache: Self.forGood)
    }

    private static func response(_ file: PageFile, to request: Request, cache: String) -> Response {
        var headers: HTTPFields = [.eTag: file.entityTag, .cacheControl: cache, .vary: "Accept"]
        headers.append(contentsOf: PageSecurity.fields)
        if isKnown(file.entityTag, to: request) { return Response(status: .notModified, headers: headers) }
        headers[.contentType] = file.type
        headers[.contentLength] = String(file.bytes.count)
        return Response(
            status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: file.bytes)))
    }

    /// RFC 9110, 13.1.2; a weak tag counts as well.
    private static func isKnown(_ tag: String, to request: Request) -> Bool {
        guard let known = request.headers[.ifNoneMatch] else { return false }
        return known.split(separator: ",").contains { one in
            let one = one.filter { $0 != " " }
            return one == tag || one == "W/" + tag || one == "*"
        }
    }
}

/// What browsers are told about the page (W3C Content Security Policy 3): it gets everything from this node, asks nobody
/// else, runs no text as a program, and is shown in no other page.
enum PageSecurity {
    static let policy = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data: blob:",
        "connect-src 'self'", "manifest-src 'self'", "font-src 'none'", "frame-ancestors 'none'", "base-uri 'none'",
        "form-action 'self'", "require-trusted-types-for 'script'", "trusted-types 'none'",
    ].joined(separator: "; ")

    static let fields: HTTPFields = [
        .contentSecurityPolicy: policy, .xContentTypeOptions: "nosniff", .referrerPolicy: "no-referrer",
        .openerPolicy: "same-origin", .resourcePolicy: "same-origin",
    ]
}

extension HTTPField.Name {
    fileprivate static let referrerPolicy = Self.known("referrer-policy")
    fileprivate static let openerPolicy = Self.known("cross-origin-opener-policy")
    fileprivate static let resourcePolicy = Self.known("cross-origin-resource-policy")
}
