// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithDialects
import KithInference
import KithModel
import KithServer
import KithStore
import NIOCore

/// OpenAI's Responses API as its clients use it, with and without `/v1` before it.
struct ResponsesRoutes: Sendable {
    private static let pageSizes = 1...100
    private static let ordinaryPage = 20

    let services: NodeServices

    func add(to router: SurfaceRouter) {
        for root in ["/v1/responses", "/responses"] {
            router.surface(
                root, scope: .chat,
                [.post: { try await create($0, $1) }, .get: { request, _ in try upgrade(request) }])
            router.surface(
                root + "/:id", scope: .chat,
                [.get: { try await retrieve($0, $1) }, .delete: { _, context in try await delete(context) }])
            router.surface(root + "/:id/input_items", scope: .chat, [.get: { try await inputItems($0, $1) }])
            router.surface(root + "/:id/cancel", scope: .chat, [.post: { _, context in try await cancel(context) }])
        }
    }

    /// Whether a path is one of these without `/v1`.
    static func cover(_ path: String) -> Bool { path == "/responses" || path.hasPrefix("/responses/") }

    // MARK: Answers

    private func create(_ request: Request, _ context: NodeRequestContext) async throws -> Response {
        let bytes = try await request.jsonBody(upTo: services.limits.openAIBody)
        let shelf = ResponseShelf(services, context)
        let prepared = try await shelf.prepared(try ResponsesRequest.read(bytes))
        let completion = ResponsesCompletion(prepared, shelf: shelf)
        guard completion.request.streams else {
            let routed = try await services.dispatch(
                completion.request, by: try context.caller.get(), headers: request.headers, path: request.uri.path)
            return try await completion.reply(routed, services: services).response
        }
        do {
            return try await AnswerStreamWriter.response(
                to: completion.request, as: completion.streamText, by: context, headers: request.headers,
                path: request.uri.path, services: services)
        } catch let error as any RoutedError {
            let problem = SurfaceError(error)
            guard completion.isToldInStream(problem) else { throw error }
            return Self.stream(completion.streamText, endingWith: problem, route: error.routeHeader)
        }
    }

    private static func stream(
        _ text: ResponsesStreamText, endingWith problem: SurfaceError, route: String
    ) -> Response {
        var bytes: [UInt8] = []
        text.append(problem: problem, to: &bytes)
        return .eventStream(route: route) { [bytes] writer in
            try await writer.write(ByteBuffer(bytes: bytes))
            try await writer.finish(nil)
        }
    }

    /// Programs that would rather speak over a WebSocket take 426 at its word, and use HTTP at once.
    private func upgrade(_ request: Request) throws -> Response {
        guard request.headers[.upgrade] != nil else { throw SurfaceRefusal.methodNotAllowed([.post]) }
        let body = OpenAIErrorBody(
            message: "responses come over HTTP here, and not over a WebSocket; use POST", type: "invalid_request_error",
            code: "upgrade_required")
        return PlainReply(
            json: ByteBuffer(bytes: body.json.jsonBytes), status: .upgradeRequired,
            headers: [.upgrade: "HTTP/1.1", .connection: "Upgrade"]
        ).response
    }

    // MARK: What is kept

    private func retrieve(_ request: Request, _ context: NodeRequestContext) async throws -> Response {
        if request.uri.queryParameters["stream"] == "true" {
            throw ChatError(
                .unsupported, "a response that is kept comes in one piece; leave 'stream' out", field: "stream")
        }
        let response = try await ResponseShelf(services, context).response(try Self.id(context))
        return PlainReply(json: ByteBuffer(bytes: response.body)).response
    }

    private func delete(_ context: NodeRequestContext) async throws -> Response {
        let id = try Self.id(context)
        try await ResponseShelf(services, context).remove(id)
        let body: JSONObject = ["id": .string(id), "object": "response", "deleted": true]
        return PlainReply(json: ByteBuffer(bytes: body.jsonBytes)).response
    }

    private func cancel(_ context: NodeRequestContext) async throws -> Response {
        _ = try await ResponseShelf(services, context).response(try Self.id(context))
        throw ChatError(.invalidRequest, "only a response that is made in the background can be cancelled")
    }

    private func inputItems(_ request: Request, _ context: NodeRequestContext) async throws -> Response {
        let limit = try request.queryNumber("limit", in: Self.pageSizes) ?? Self.ordinaryPage
        let order = request.uri.queryParameters["order"] ?? "desc"
        guard ["asc", "desc"].contains(order) else {
            throw ChatError(.invalidRequest, "'order' must be asc or desc", field: "order")
        }
        let response = try await ResponseShelf(services, context).response(try Self.id(context))
        var items = response.inputItems[...]
        if order == "desc" { items = items.reversed()[...] }
        if let after = request.uri.queryParameters["after"].map(String.init) {
            guard let place = items.firstIndex(where: { $0["id"]?.stringValue == after }) else {
                throw ChatError(.invalidRequest, "'after' names no item of this response", field: "after")
            }
            items = items[(place + 1)...]
        }
        let page = items.prefix(limit)
        let body: JSONObject = [
            "object": "list", "data": .array(Array(page)), "first_id": page.first?["id"] ?? .null,
            "last_id": page.last?["id"] ?? .null, "has_more": .bool(page.count < items.count),
        ]
        return PlainReply(json: ByteBuffer(bytes: body.jsonBytes)).response
    }

    private static func id(_ context: NodeRequestContext) throws -> String {
        guard let id = context.pathParameter("id") else { throw SurfaceRefusal.notFound }
        return id
    }
}
