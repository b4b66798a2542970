// SPDX-License-Identifier: Apache-2.0

extension StateMessage {
    /// What one source declares as its level.
    package struct Level: Codable, Hashable, Sendable {
        /// The name of a client, or the id of a node.
        package var source: String
        /// What the node is called; missing for a client, and for a node that is not known.
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
    package struct LevelWish: Codable, Hashable, Sendable {
        package static let range = 0.0...10.0

        package var level: Double

        package init(level: Double) { self.level = level }

        private enum CodingKeys: String, CodingKey { case level }

        /// - Throws: `DecodingError` for a level that is missing, no number, or out of ``range``.
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
