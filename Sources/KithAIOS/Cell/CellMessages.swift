// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import KithServer

/// What an AIOS cell is asked and answers, as it stands on the wire; both a cell and its clients use these.
package enum CellMessage {
    /// The answer to `GET /health`.
    package struct Health: Codable, Hashable, Sendable {
        package static let offered = ["code-assist", "consciousness-sync", "health"]

        package var status = "healthy"
        package var cellID: String
        package var branch: String
        package var level: Double
        package var services = Health.offered
        package var type = "cell"

        package init(cellID: String, branch: String, level: Double) {
            self.cellID = cellID
            self.branch = branch
            self.level = level
        }

        private enum CodingKeys: String, CodingKey {
            case status, branch, services, type
            case cellID = "cell_id"
            case level = "consciousness_level"
        }
    }

    /// The body of `POST /code-assist`.
    package struct AssistRequest: Codable, Hashable, Sendable {
        package var code: String
        /// An object, or `nil`.
        package var context: JSONValue?
        package var action: String

        package init(code: String, context: JSONValue? = nil, action: String = "analyze") {
            self.code = code
            self.context = context
            self.action = action
        }
    }

    /// Its answer.
    package struct AssistAnswer: Codable, Hashable, Sendable {
        package var action: String
        /// Code points.
        package var codeLength: Int
        package var contextKeys: [String]
        package var suggestions: [String]
        package var level: Double
        /// Added by kith: the model that was asked; missing when none was.
        package var model: String?
        /// Added by kith: the node that answered.
        package var node: String?
        /// Where the engine's part came from, as the header `x-kith-route` says it; not part of the body.
        package var route: String?

        package init(
            action: String, codeLength: Int, contextKeys: [String], suggestions: [String], level: Double,
            model: String? = nil, node: String? = nil, route: String? = nil
        ) {
            self.action = action
            self.codeLength = codeLength
            self.contextKeys = contextKeys
            self.suggestions = suggestions
            self.level = level
            self.model = model
            self.node = node
            self.route = route
        }

        private enum CodingKeys: String, CodingKey {
            case action, suggestions, model, node
            case codeLength = "code_length"
            case contextKeys = "context_keys"
            case level = "consciousness_level"
        }
    }

    /// The body of `POST /sync-consciousness`.
    package struct SyncRequest: Codable, Hashable, Sendable {
        package var level: Double
        /// An object, or `nil`.
        package var context: JSONValue?
        /// The source, where the context names none.
        package var source: String?

        package init(level: Double, context: JSONValue? = nil, source: String? = nil) {
            self.level = level
            self.context = context
            self.source = source
        }
    }

    /// Its answer.
    package struct SyncAnswer: Codable, Hashable, Sendable {
        package var oldLevel: Double
        package var newLevel: Double
        package var contextProcessed: Bool
        /// Added by kith: all levels that this side knows, by source.
        package var levels: [String: Double]?

        package init(oldLevel: Double, newLevel: Double, contextProcessed: Bool, levels: [String: Double]? = nil) {
            self.oldLevel = oldLevel
            self.newLevel = newLevel
            self.contextProcessed = contextProcessed
            self.levels = levels
        }

        private enum CodingKeys: String, CodingKey {
            case levels
            case oldLevel = "old_level"
            case newLevel = "new_level"
            case contextProcessed = "context_processed"
        }
    }
}

/// What a cell does, for a client of its port as for a kin.
package protocol CellAnswering: Sendable {
    /// From memory; never waits.
    func health() -> CellMessage.Health
    /// On whose account a caller's code is looked at.
    ///
    /// - Throws: `LimitRefusal`.
    func account(of caller: Principal, code: String, limits: CallerLimits) throws -> AssistAccount
    /// - Parameters:
    ///   - deadline: When the client gives up; `nil` leaves it to the cell.
    ///   - account: Of the client that asks; `nil` for a kin, which has counted it.
    /// - Throws: `ChatError`; not because no engine answers, since findings can be made without one.
    func assist(
        _ request: CellMessage.AssistRequest, until deadline: MonotonicInstant?, account: AssistAccount?
    ) async throws -> CellMessage.AssistAnswer
    /// - Parameter delivery: Counts once, however often it arrives.
    /// - Throws: `StateRefusal`.
    func sync(
        _ request: CellMessage.SyncRequest, delivery: DeliveryKey?
    ) async throws(StateRefusal) -> CellMessage.SyncAnswer
    /// What a kin's bridge tells its client. The kin writes it itself, to the state that both share: what one wrote goes when
    /// it is forgotten, and takes nobody else's share.
    ///
    /// - Throws: `StateRefusal`.
    func answer(toKin request: CellMessage.SyncRequest) throws(StateRefusal) -> CellMessage.SyncAnswer
}
