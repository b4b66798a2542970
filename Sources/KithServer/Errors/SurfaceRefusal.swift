// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes

/// A request that is refused before its dialect is looked at.
package enum SurfaceRefusal: Error, Hashable {
    case notFound
    /// The node's settings do not give it the role of this name.
    case roleMissing(String)
    case methodNotAllowed([HTTPRequest.Method])
    /// The content type that came.
    case unsupportedMediaType(String)
    /// The limit in bytes.
    case tooLarge(Int)
    /// What the client expects before it sends a body, other than to be told to go on.
    case expectationFailed(String)

    var status: HTTPResponse.Status {
        switch self {
        case .notFound, .roleMissing: .notFound
        case .methodNotAllowed: .methodNotAllowed
        case .unsupportedMediaType: .unsupportedMediaType
        case .tooLarge: .contentTooLarge
        case .expectationFailed: .expectationFailed
        }
    }

    var message: String {
        switch self {
        case .notFound: "there is nothing at this path; GET /openapi.yaml lists what there is"
        case .roleMissing(let role): "this node does not have the role \(role)"
        case .methodNotAllowed(let methods):
            "use \(methods.map(\.rawValue).joined(separator: " or ")) here"
        case .unsupportedMediaType(let type): "the body must be sent as application/json, not as \(type.prefix(100))"
        case .tooLarge(let limit): "the body is longer than \(limit) bytes"
        case .expectationFailed(let expected):
            "'Expect: \(expected.prefix(100))' is not known here; leave the field out, or send 'Expect: 100-continue'"
        }
    }

    var headers: HTTPFields {
        switch self {
        case .methodNotAllowed(let methods): [.allow: methods.map(\.rawValue).joined(separator: ", ")]
        case .notFound, .roleMissing, .unsupportedMediaType, .tooLarge, .expectationFailed: [:]
        }
    }
}
