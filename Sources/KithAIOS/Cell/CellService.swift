// SPDX-License-Identifier: Apache-2.0

import KithAssist
package import KithInference
package import KithModel
package import KithServer
import Logging

/// The role *cell* of a node: answers about code, and takes part in the shared state.
package struct CellService: CellAnswering {
    package struct Profile: Sendable {
        package var cellID: String
        package var branch: String
        /// The cell's level until one is declared.
        package var initialLevel: Double
        package var node: NodeID
        package var name: NodeName

        package init(cellID: String, branch: String, initialLevel: Double, node: NodeID, name: NodeName) {
            self.cellID = cellID
            self.branch = branch
            self.initialLevel = initialLevel
            self.node = node
            self.name = name
        }
    }

    let profile: Profile
    private let state: any SharedState
    private let opinions: EngineOpinions
    let clock: any TimeSource
    private let nodeName: @Sendable (NodeID) -> String?
    private let onCode: @Sendable (String) -> Void

    /// - Parameters:
    ///   - engineLimit: How long an engine is listened to; what it has said by then counts.
    ///   - onCode: Called with all code that is asked about.
    ///   - nodeName: What people call a node; `nil` for one that is not known here.
    package init(
        profile: Profile, state: any SharedState, dispatcher: Dispatcher, clock: any TimeSource,
        engineLimit: Duration = .seconds(20), onCode: @escaping @Sendable (String) -> Void = { _ in },
        nodeName: @escaping @Sendable (NodeID) -> String?
    ) {
        self.profile = profile
        self.state = state
        self.clock = clock
        opinions = EngineOpinions(dispatcher: dispatcher, clock: clock, limit: engineLimit)
        self.nodeName = nodeName
        self.onCode = onCode
    }

    // MARK: Levels

    package var level: Double { state.level(of: .node(profile.node))?.level ?? profile.initialLevel }

    /// All levels that are known here; nodes by their names, where a name cannot be taken for somebody else's.
    package func levels() -> [String: Double] {
        var levels: [String: Double] = [:]
        var nodes: [(id: NodeID, level: Double)] = [(profile.node, level)]
        for entry in state.levels() {
            switch entry.source {
            case .named(let name): levels[name] = entry.level
            case .node(let id): if id != profile.node { nodes.append((id, entry.level)) }
            }
        }
        for node in nodes.sorted(by: { $0.id < $1.id }) {
            let name = node.id == profile.node ? profile.name.rawValue : nodeName(node.id)
            levels[name.flatMap { levels[$0] == nil ? $0 : nil } ?? node.id.description] = node.level
        }
        return levels
    }

    package func health() -> CellMessage.Health {
        CellMessage.Health(cellID: profile.cellID, branch: profile.branch, level: level)
    }

    package func sync(
        _ request: CellMessage.SyncRequest, delivery: DeliveryKey?
    ) async throws(StateRefusal) -> CellMessage.SyncAnswer {
        let plan = try plan(of: request)
        let before = level
        let isNew = try await state.write(plan.changes, delivery: delivery)
        // A write that arrived before changes nothing now; others may have written since.
        return CellMessage.SyncAnswer(
            oldLevel: before, newLevel: isNew ? request.level : level, contextProcessed: plan.hasContext,
            levels: levels())
    }

    package func answer(toKin request: CellMessage.SyncRequest) throws(StateRefusal) -> CellMessage.SyncAnswer {
        let plan = try plan(of: request)
        var levels = levels()
        levels[profile.name.rawValue] = request.level
        if case .named(let name) = plan.source { levels[name] = request.level }
        return CellMessage.SyncAnswer(
            oldLevel: level, newLevel: request.level, contextProcessed: plan.hasContext, levels: levels)
    }

    private func plan(of request: CellMessage.SyncRequest) throws(StateRefusal) -> SyncPlan {
        do {
            return try SyncPlan(request, node: profile.node)
        } catch {
            throw StateRefusal(.invalid, error.why, cause: error)
        }
    }

    // MARK: Code

    package func account(of caller: Principal, code: String, limits: CallerLimits) throws -> AssistAccount {
        let allowed = caller.limits.models
        return AssistAccount(
            grant: try limits.grant(caller, tokens: UsageCount.sum(code.utf8.count / 4, AssistPrompt.maxTokens)),
            models: opinions.dispatcher.aliases.models(for: nil, among: allowed) ?? allowed)
    }

    package func assist(
        _ request: CellMessage.AssistRequest, until deadline: MonotonicInstant?, account: AssistAccount?
    ) async throws -> CellMessage.AssistAnswer {
        guard let action = AssistAction(rawValue: request.action) else {
            throw ChatError(
                .invalidRequest, "the action has from 1 to \(AssistAction.limit) bytes and no control characters",
                field: "action")
        }
        let surroundings = AssistContext(request.context)
        onCode(request.code)
        // Away from the connection's own thread: much code takes a while.
        let reading = await withTaskExecutorPreference(globalConcurrentExecutor) {
            await Self.read(request.code, surroundings, action)
        }
        let opinion = try await opinions.opinion(
            on: reading, action: action, surroundings: surroundings, code: request.code, until: deadline,
            account: account)
        return CellMessage.AssistAnswer(
            action: request.action, codeLength: request.code.unicodeScalars.count, contextKeys: surroundings.keys,
            suggestions: reading.sentences + (opinion?.suggestions ?? []), level: level,
            model: opinion?.model.rawValue, node: (opinion?.route.candidate?.name ?? profile.name).rawValue,
            route: opinion?.route.headerValue)
    }

    @concurrent private static func read(
        _ code: String, _ surroundings: AssistContext, _ action: AssistAction
    ) async -> CodeReading {
        CodeReading(code, language: surroundings.language, path: surroundings.path, action: action)
    }
}
