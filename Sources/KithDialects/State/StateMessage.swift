// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What a node and its clients say to each other about the state that all kin share. Times are in RFC 3339's form.
package enum StateMessage {
    /// One value of a key of the context.
    package struct ContextValue: Codable, Hashable, Sendable {
        package var value: JSONValue
        /// Who wrote it: the name of a client, or the id of a node.
        package var source: String
        /// The name of the node that wrote it; missing for a client, and for a node that is not known.
        package var sourceName: String?
        package var writtenAt: String
        /// Where it was written: the node's name, or its id when it is not known.
        package var node: String

        package init(value: JSONValue, source: String, sourceName: String? = nil, writtenAt: String, node: String) {
            self.value = value
            self.source = source
            self.sourceName = sourceName
            self.writtenAt = writtenAt
            self.node = node
        }

        private enum CodingKeys: String, CodingKey {
            case value, source, node
            case sourceName = "source_name"
            case writtenAt = "written_at"
        }
    }

    /// One key of what the user is working on.
    package struct ContextEntry: Codable, Hashable, Sendable {
        package var key: String
        /// Whether there are several values, of which one has to be chosen.
        package var isConflict: Bool
        /// The latest first.
        package var values: [ContextValue]

        package init(key: String, isConflict: Bool, values: [ContextValue]) {
            self.key = key
            self.isConflict = isConflict
            self.values = values
        }

        private enum CodingKeys: String, CodingKey {
            case key, values
            case isConflict = "conflict"
        }
    }

    /// The answer to `GET /api/context`.
    package struct Context: Codable, Hashable, Sendable {
        /// By key.
        package var context: [ContextEntry]
        /// Whether there are further keys, to be asked for with the last one as `after`.
        package var hasMore: Bool

        package init(context: [ContextEntry], hasMore: Bool = false) {
            self.context = context
            self.hasMore = hasMore
        }

        private enum CodingKeys: String, CodingKey {
            case context
            case hasMore = "more"
        }
    }

    /// The body of `PUT /api/context/{key}`.
    package struct ContextRequest: Codable, Hashable, Sendable {
        package var value: JSONValue
        /// Who says it; the node itself when it is missing.
        package var source: String?

        package init(value: JSONValue, source: String? = nil) {
            self.value = value
            self.source = source
        }
    }

    /// The answer to `DELETE /api/context`.
    package struct Cleared: Codable, Hashable, Sendable {
        /// The keys that were there.
        package var removed: [String]

        package init(removed: [String]) { self.removed = removed }
    }
}

extension StateMessage {
    /// What one source declares as its level.
    package struct Level: Codable, Hashable, Sendable {
        /// The name of a client, or the id of a node.
        package var source: String
        /// The name of the node; missing for a client, and for a node that is not known.
        package var name: String?
        /// 0…10.
        package var level: Double
        package var writtenAt: String
        /// Where it was declared: the node's name, or its id when it is not known.
        package var node: String

        package init(source: String, name: String? = nil, level: Double, writtenAt: String, node: String) {
            self.source = source
            self.name = name
            self.level = level
            self.writtenAt = writtenAt
            self.node = node
        }

        private enum CodingKeys: String, CodingKey {
            case source, name, level, node
            case writtenAt = "written_at"
        }
    }

    /// The answer to `GET /api/levels`.
    package struct Levels: Codable, Hashable, Sendable {
        /// By source.
        package var levels: [Level]

        package init(levels: [Level]) { self.levels = levels }
    }

    /// The body of `PUT /api/levels/{source}`.
    package struct LevelRequest: Codable, Hashable, Sendable {
        package static let range = 0.0...10.0

        package var level: Double

        package init(level: Double) { self.level = level }

        private enum CodingKeys: String, CodingKey { case level }

        /// - Throws: `DecodingError` for a level that is missing, not a number, or out of ``range``.
        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            guard let level = try container.decodeNumberIfPresent(Double.self, forKey: .level) else {
                throw DecodingError.keyNotFound(
                    CodingKeys.level, .init(codingPath: container.codingPath, debugDescription: "no level"))
            }
            guard Self.range.contains(level) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .level, in: container, debugDescription: "a level is from 0 to 10")
            }
            self.level = level
        }
    }
}

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

/// A node's event as `GET /api/events` sends it (WHATWG HTML, 9.2): its kind as the name, and as data one JSON object with
/// `kind`, `at` and what belongs to the kind.
package enum EventLine {
    /// A comment: says that the connection is alive.
    package static let keepAlive = Array(": quiet\n\n".utf8)
    /// The name of the event for a follower that has missed some.
    package static let gap = "gap"

    /// The beginning of a stream: a place without an event, by which a client that loses the connection at once can go on.
    package static func begin(_ position: EventPosition) -> [UInt8] { Array(": quiet\nid: \(position)\n\n".utf8) }

    /// - Throws: `EncodingError` for a number that JSON cannot hold.
    package static func bytes(_ followed: FollowedEvent) throws -> [UInt8] {
        switch followed {
        case .event(let event, let position): try Array("id: \(position)\n".utf8) + bytes(event)
        case .gap(let position): Array("id: \(position)\n".utf8) + (try bytes(gap, at: .now(), [:]))
        }
    }

    /// - Throws: `EncodingError` for a number that JSON cannot hold.
    package static func bytes(_ event: NodeEvent) throws -> [UInt8] {
        try bytes(event.kind.rawValue, at: event.at, event.fields)
    }

    private static func bytes(_ name: String, at time: WallTime, _ fields: JSONObject) throws -> [UInt8] {
        var data = fields
        data["kind"] = .string(name)
        data["at"] = .string(time.rfc3339)
        return try Array("event: \(name)\ndata: ".utf8) + JSONBody.encodeLine(JSONValue.object(data))
            + Array("\n\n".utf8)
    }
}
