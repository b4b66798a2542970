// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
import KithInference
import KithModel
import KithServer

/// Where a request would go, and where the last ones went.
///
/// Both tell how busy and how fast each machine is, so that they are for keys with the scope `read`; whoever may only chat
/// is told by `x-kith-route` where each of its answers came from.
struct RoutingRoutes: Sendable {
    static let path = "/api/routes"
    private static let recentCount = 50

    let services: NodeServices

    func add(to router: SurfaceRouter) {
        router.surface(
            Self.path + "/explain", scope: .read, [.post: { request, _ in try await explain(request) }])
        router.surface(Self.path + "/recent", scope: .read, [.get: { request, _ in try recent(request) }])
    }

    /// Takes what `/v1/chat/completions` takes.
    private func explain(_ request: Request) async throws -> Response {
        let bytes = try await request.jsonBody(upTo: services.limits.openAIBody)
        let asked = try OpenAICompletion(chat: bytes).request
        let explanation = services.dispatcher.explain(asked, pin: try request.headers.pinnedNode())
        return try .json(RouteMessage.Explanation(explanation, promptTokens: asked.estimatedPromptTokens))
    }

    private func recent(_ request: Request) throws -> Response {
        let count = try request.uri.queryParameters["limit"].map { try Self.count(String($0)) } ?? Self.recentCount
        let now = WallTime.now()
        let requests = services.dispatcher.journal.recent(count).map { RouteMessage.Request($0, now: now) }
        return try .json(RouteMessage.Recent(requests: requests))
    }

    private static func count(_ text: String) throws -> Int {
        guard let count = Int(text), (1...RouteJournal.capacity).contains(count) else {
            throw ControlFailure(.invalid, "'limit' must be from 1 to \(RouteJournal.capacity)")
        }
        return count
    }
}
