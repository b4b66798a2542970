// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithDialects
import KithInference
import KithModel
import KithServer

/// What of OpenAI's API is passed to engines that have it: ranking, speech, pictures.
struct PassThroughRoutes: Sendable {
    let services: NodeServices

    /// Whether a path is one of these that lacks the version.
    static func coverWithoutVersion(_ path: String) -> Bool { EngineService(rawValue: path) != nil }

    func add(to router: SurfaceRouter) {
        for service in EngineService.allCases {
            for base in ["/v1", ""] {
                router.surface(
                    base + service.path, scope: .chat, [.post: { try await pass($0, $1, to: service) }])
            }
        }
    }

    private func pass(
        _ request: Request, _ context: NodeRequestContext, to service: EngineService
    ) async throws -> Response {
        let type = request.headers[.contentType] ?? "application/json"
        guard MediaTypes.isJSON(type) || service.takesForms && OpenAIPassThrough.isForm(type) else {
            throw service.takesForms ? SurfaceRefusal.notAForm(type) : SurfaceRefusal.unsupportedMediaType(type)
        }
        let limit = services.limits.uploadBody
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limit {
            throw SurfaceRefusal.tooLarge(limit)
        }
        let wanted = try OpenAIPassThrough.read(service, contentType: type, try await request.body(upTo: limit))
        let (answer, route) = try await services.passThrough(
            wanted, by: try context.caller.get(), headers: request.headers, path: request.uri.path)
        return Response(passing: answer, route: route.headerValue)
    }
}
