// SPDX-License-Identifier: Apache-2.0

import KithAssist
import KithDialects
import KithModel
import Logging

extension BridgeService {
    /// An answer about code, and where its engine's part came from as far as that was said.
    struct Assist: Sendable {
        var body: JSONValue
        var route: String?
    }

    /// Help with code: a cell's, or this node's own when none can be asked or none answers well.
    ///
    /// - Parameters:
    ///   - wanted: When the client gives up, if that is before the bridge's own limit.
    ///   - account: Of the client, for what this node's own engine does.
    /// - Throws: `ChatError`; `CancellationError`.
    func assist(
        _ request: CellMessage.AssistRequest, until wanted: MonotonicInstant? = nil, account: AssistAccount? = nil
    ) async throws -> Assist {
        // A place that the client has is its own until the answer is there.
        defer { withExtendedLifetime(account) {} }
        let longest = services.clock.now + BridgeLimits.assist
        let deadline = min(wanted ?? longest, longest)
        if let reply = try await forward(request, until: deadline.advanced(by: .zero - BridgeLimits.ownAssist)) {
            counters.count { $0.forwardedAssists += 1 }
            var members = reply.members
            members["source"] = "desktop_cell"
            return Assist(body: .object(members), route: reply.route)
        }
        counters.count { $0.ownAssists += 1 }
        return try await ownAnswer(to: request, until: deadline, account)
    }

    private func forward(
        _ request: CellMessage.AssistRequest, until deadline: MonotonicInstant
    ) async throws -> CellReply? {
        let body = try JSONBody.encode(request)
        var tried: Set<UpstreamID> = []
        while tried.count < BridgeLimits.attempts {
            let left = deadline - services.clock.now
            guard left > .zero,
                let (id, answer) = try await upstreams.ask(
                    CellCall(.assist, body: body, limit: left), excluding: tried)
            else { return nil }
            switch answer {
            case .success(let reply): return reply
            case .failure(let problem):
                tried.insert(id)
                logger.info(
                    "code not looked at upstream",
                    metadata: ["upstream": "\(upstreams.label(id))", "reason": "\(problem)"])
            }
        }
        return nil
    }

    /// In the shape that clients know from a bridge without a cell.
    private func ownAnswer(
        to request: CellMessage.AssistRequest, until deadline: MonotonicInstant, _ account: AssistAccount?
    ) async throws -> Assist {
        let answer = try await ownSuggestions(for: request, until: deadline, account)
        var members: JSONObject = [
            "action": .string(request.action), "code_length": .integer(Int64(request.code.unicodeScalars.count)),
            "suggestions": .array(answer.suggestions.map { .string($0) }), "source": "bridge_fallback",
            "status": "degraded",
        ]
        if let model = answer.model { members["model"] = .string(model) }
        if let node = answer.node { members["node"] = .string(node) }
        return Assist(body: .object(members), route: answer.route)
    }

    /// With an engine if it answers in time, otherwise what can be said without one.
    private func ownSuggestions(
        for request: CellMessage.AssistRequest, until deadline: MonotonicInstant, _ account: AssistAccount?
    ) async throws -> (suggestions: [String], model: String?, node: String?, route: String?) {
        do {
            let end = deadline.advanced(by: .zero - BridgeLimits.reading)
            let answer = try await abandonAfter(end - services.clock.now, clock: services.clock) {
                [local = services.local] in
                try await local.assist(request, until: nil, account: account)
            }
            return (answer.suggestions, answer.model, answer.node, answer.route)
        } catch is DeadlineExceeded {
            return (await Self.read(request), nil, nil, nil)
        }
    }

    @concurrent private static func read(_ request: CellMessage.AssistRequest) async -> [String] {
        let surroundings = AssistContext(request.context)
        return CodeReading(
            request.code, language: surroundings.language, path: surroundings.path,
            action: AssistAction(rawValue: request.action) ?? .analyze
        ).sentences
    }
}
