// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import Hummingbird

/// What browsers are told of every answer that says nothing else itself: it is what it says it is, is no page, loads nothing, is
/// shown in no other page, and belongs to this origin alone (W3C Content Security Policy 3; WHATWG Fetch, 3.6 and 3.7).
package enum ResponseSecurity {
    private static let policy = "default-src 'none'; frame-ancestors 'none'"

    package static let fields: [HTTPField] = [
        HTTPField(name: .xContentTypeOptions, value: "nosniff"),
        HTTPField(name: .contentSecurityPolicy, value: policy),
        HTTPField(name: .resourcePolicy, value: "same-origin"),
    ]

    /// The same as they stand in a message of HTTP/1.1.
    package static let lines: String = fields.map { "\($0.name.rawName): \($0.value)\r\n" }.joined()

    /// A year, as browsers' own lists want it (RFC 6797, section 6.1.1); names below this one are not meant.
    static let transport = "max-age=31536000"
}

/// Adds what ``ResponseSecurity`` says to every answer. Belongs outside of all other middleware.
package struct SecuringResponses: RouterMiddleware {
    package typealias Context = NodeRequestContext

    package init() {}

    package func handle(
        _ request: Request, context: NodeRequestContext,
        next: @concurrent (Request, NodeRequestContext) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        for field in ResponseSecurity.fields where response.headers[field.name] == nil {
            response.headers[field.name] = field.value
        }
        if Self.demandsTLS(request.head) { response.headers[.strictTransportSecurity] = ResponseSecurity.transport }
        return response
    }

    /// Browsers then use TLS for every port of the name, so that a name which means this machine to everybody is left out.
    static func demandsTLS(_ head: HTTPRequest) -> Bool {
        guard head.scheme == "https", let authority = head.authority else { return false }
        return !HostNames().contains(authority: authority)
    }
}

extension HTTPField.Name {
    fileprivate static let resourcePolicy = Self.known("cross-origin-resource-policy")
}
