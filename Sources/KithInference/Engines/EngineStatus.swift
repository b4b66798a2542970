// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What is known of this node's engine without asking it.
package struct EngineStatus: Sendable {
    package var kind: EngineKind?
    package var health: EngineHealth
    /// Why this engine was chosen, or why there is none, in words.
    package var reason: String
    /// Those it had, while it is down.
    package var models: [ModelInfo]
    /// Whether it has said at least once what it offers.
    package var isListKnown: Bool
    package var slots: Int
    package var active: Int
    package var queued: Int

    package init(
        kind: EngineKind?, health: EngineHealth, reason: String, models: [ModelInfo] = [], isListKnown: Bool = true,
        slots: Int = 0, active: Int = 0, queued: Int = 0
    ) {
        self.kind = kind
        self.health = health
        self.reason = reason
        self.models = models
        self.isListKnown = isListKnown
        self.slots = slots
        self.active = active
        self.queued = queued
    }

    /// Why it does not answer, in a few words; `nil` where it does, or there is none.
    package var whyDown: String? {
        guard kind != nil, case .down(let why) = health else { return nil }
        return String(why.prefix(120))
    }

    /// As routing sees it; a node without an engine is ready with nothing.
    package var engine: NodeSnapshot.EngineState {
        guard kind != nil else { return .ready }
        return switch health {
        case .ready: isListKnown ? .ready : .unknown
        case .loading: .loading
        case .down(let why): .down(why)
        }
    }
}

/// Tells what is known of the engine; never waits.
package protocol EngineStatusSource: Sendable {
    func status() -> EngineStatus

    /// Somebody wants a model that is not known here: the list is read anew soon.
    func noteUnknownModel()
}

extension EngineStatusSource {
    package func noteUnknownModel() {}
}
