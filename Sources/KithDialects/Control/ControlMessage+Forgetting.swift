// SPDX-License-Identifier: Apache-2.0

package import KithModel

extension ControlMessage {
    /// The answer to `DELETE /api/peers/{id}`: who was forgotten, and what went with it.
    package struct Forgotten: Codable, Hashable, Sendable {
        /// One that is kin by the forgotten node's word.
        package struct Introduced: Codable, Hashable, Sendable {
            package var id: NodeID
            package var name: NodeName
            package var isKin: Bool

            package init(id: NodeID, name: NodeName, isKin: Bool) {
                self.id = id
                self.name = name
                self.isKin = isKin
            }

            private enum CodingKeys: String, CodingKey {
                case id, name
                case isKin = "is_kin"
            }
        }

        package var id: NodeID
        package var name: NodeName
        package var tier: Tier
        /// Writes to the shared state that were removed.
        package var writes: Int
        package var introduced: [Introduced]

        package init(peer: Peer, writes: Int = 0, introduced: [Introduced] = []) {
            id = peer.id
            name = peer.name
            tier = peer.tier
            self.writes = writes
            self.introduced = introduced
        }

        private enum CodingKeys: String, CodingKey {
            case id, name, tier, introduced
            case writes = "removed_writes"
        }
    }

    /// The answer to `GET /api/peers/forgotten`: who is trusted no more, and what is left of all that are no kin.
    package struct Leftovers: Codable, Hashable, Sendable {
        package struct Node: Codable, Hashable, Sendable {
            package var id: NodeID
            /// Empty for one of which something is left without anybody having forgotten it.
            package var forgottenBy: [NodeID]
            /// Logs of the shared state, and writes in them: none, once a node was forgotten.
            package var logs: Int
            package var writes: Int
            /// Statements about who is kin that still count: it introduced others before it was forgotten.
            package var statements: Int

            package init(id: NodeID, forgottenBy: [NodeID], logs: Int, writes: Int, statements: Int) {
                self.id = id
                self.forgottenBy = forgottenBy
                self.logs = logs
                self.writes = writes
                self.statements = statements
            }

            private enum CodingKeys: String, CodingKey {
                case id, logs, writes, statements
                case forgottenBy = "forgotten_by"
            }
        }

        /// Whether nothing is left that any of them has written.
        package var isClean: Bool
        package var nodes: [Node]

        package init(nodes: [Node]) {
            self.nodes = nodes
            isClean = nodes.allSatisfy { $0.logs == 0 && $0.writes == 0 }
        }

        private enum CodingKeys: String, CodingKey {
            case nodes
            case isClean = "clean"
        }
    }
}
