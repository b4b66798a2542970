// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithSync
import Logging

extension BridgeService {
    /// Help with code: a cell's, or this node's own when none can be asked or none answers well.
    ///
    /// - Throws: `ChatFailure`; `CancellationError`.
    func assist(_ request: CellMessage.AssistRequest) async throws -> JSONValue {
        let deadline = services.clock.now + BridgeLimits.assist
        if let members = try await forward(request, until: deadline.advanced(by: .zero - BridgeLimits.ownAssist)) {
            counters.count { $0.forwardedAssists += 1 }
            return .object(members.merging(["source": "desktop_cell"]) { $1 })
        }
        counters.count { $0.ownAssists += 1 }
        return try await ownAnswer(to: request, until: deadline)
    }

    private func forward(
        _ request: CellMessage.AssistRequest, until deadline: Moment
    ) async throws -> [String: JSONValue]? {
        let body = try JSONBody.encode(request)
        var tried: Set<UpstreamID> = []
        while tried.count < BridgeLimits.attempts {
            let left = deadline - services.clock.now
            guard left > .zero,
                let (id, answer) = try await upstreams.ask(
                    CellCall(.assist, body: body, limit: left), excluding: tried)
            else { return nil }
            switch answer {
            case .success(let reply): return reply.members
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
    private func ownAnswer(to request: CellMessage.AssistRequest, until deadline: Moment) async throws -> JSONValue {
        let answer: CellMessage.AssistAnswer
        do {
            answer = try await Attempt().run(limit: deadline - services.clock.now, clock: services.clock) {
                [local = services.local] in
                try await local.assist(request)
            }
        } catch is AttemptExpired {
            throw ChatFailure(.timeout, "neither a cell nor this node has an answer in time")
        }
        var members: [String: JSONValue] = [
            "action": .string(answer.action), "code_length": .integer(Int64(answer.codeLength)),
            "suggestions": .array(answer.suggestions.map { .string($0) }), "source": "bridge_fallback",
            "status": "degraded",
        ]
        if let model = answer.model { members["model"] = .string(model) }
        if let node = answer.node { members["node"] = .string(node) }
        return .object(members)
    }
}
