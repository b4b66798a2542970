// SPDX-License-Identifier: Apache-2.0

extension StateMessage {
    /// The answer to `GET /api/sync`: how far this node and its kin agree, as far as this node knows.
    package struct Sync: Codable, Hashable, Sendable {
        package enum Standing: String, Codable, Hashable, Sendable, CaseIterable {
            case inStep = "in_step"
            /// It lacks what this node knows.
            case behind
            /// It knows what this node lacks.
            case ahead
            /// Each lacks something of the other.
            case diverged
            case unreachable
            /// It has not said yet what it knows.
            case unknown
        }

        package struct Kin: Codable, Hashable, Sendable {
            package var id: String
            /// Its id when it is not known by a name.
            package var name: String
            package var state: Standing
            /// Operations that it lacks.
            package var behindBy: UInt64
            /// Operations that this node lacks.
            package var aheadBy: UInt64
            /// Since both told each other what they know; missing when they never have.
            package var exchangedSecondsAgo: Double?
            package var unreachableSince: String?
            /// What went wrong last.
            package var problem: String?
            package var level: Double?
            /// What it said it knows, as in ``Sync/versions``.
            package var versions: [String: UInt64]?

            package init(
                id: String, name: String, state: Standing, behindBy: UInt64, aheadBy: UInt64,
                exchangedSecondsAgo: Double? = nil, unreachableSince: String? = nil, problem: String? = nil,
                level: Double? = nil, versions: [String: UInt64]? = nil
            ) {
                self.id = id
                self.name = name
                self.state = state
                self.behindBy = behindBy
                self.aheadBy = aheadBy
                self.exchangedSecondsAgo = exchangedSecondsAgo
                self.unreachableSince = unreachableSince
                self.problem = problem
                self.level = level
                self.versions = versions
            }

            private enum CodingKeys: String, CodingKey {
                case id, name, state, problem, level, versions
                case behindBy = "behind_by"
                case aheadBy = "ahead_by"
                case exchangedSecondsAgo = "exchanged_seconds_ago"
                case unreachableSince = "unreachable_since"
            }
        }

        /// This node's name.
        package var node: String
        package var level: Double?
        /// Operations that are kept.
        package var operations: Int
        /// Operations of clocks that run ahead, which wait for their time.
        package var quarantined: Int
        /// How many operations of each node are known, by its name; where a node has begun more than one log, each of them
        /// by `name/number`.
        package var versions: [String: UInt64]
        /// By name.
        package var kin: [Kin]

        package init(
            node: String, level: Double?, operations: Int, quarantined: Int, versions: [String: UInt64], kin: [Kin]
        ) {
            self.node = node
            self.level = level
            self.operations = operations
            self.quarantined = quarantined
            self.versions = versions
            self.kin = kin
        }
    }
}
