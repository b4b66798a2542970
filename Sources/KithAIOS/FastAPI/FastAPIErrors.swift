// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithModel
import KithServer

extension ErrorRendering<NodeRequestContext> {
    /// Turns everything that is thrown into `{"detail": …}`, the shape of AIOS services.
    static var fastAPI: Self {
        Self(dialect: { _ in .detail }) { error in
            switch error {
            case let body as UnusableBody:
                try Response.json(Detail(detail: body.faults), status: .unprocessableContent)
            case let refusal as FastAPIRefusal:
                try Response.json(
                    Detail(detail: refusal.message), status: refusal.status,
                    headers: refusal.headers.sayingWhen(refusal.status))
            default: nil
            }
        }
    }
}

extension ErrorDialect {
    /// `{"detail": …}`, of AIOS services.
    static let detail = ErrorDialect { try PlainReply(Detail<String>($0), status: $0.status, headers: $0.headers) }
}

/// An error as AIOS services say it.
struct Detail<Content: Encodable>: Encodable {
    var detail: Content
}

extension Detail<String> {
    init(_ problem: SurfaceError) {
        switch problem.status {
        case .notFound: detail = "Not Found"
        case .methodNotAllowed: detail = "Method Not Allowed"
        default: detail = problem.message
        }
    }
}

/// An error whose words and status the route decides.
struct FastAPIRefusal: Error {
    var status: HTTPResponse.Status
    var message: String
    var headers: HTTPFields = [:]
}
