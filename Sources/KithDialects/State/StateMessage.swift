// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What a node and its clients say to each other about the state that all kin share. Times are in RFC 3339's form.
package enum StateMessage {
    /// One value of a key of the context.
    package struct ContextValue: Codable, Hashable, Sendable {
        package var value: JSONValue
        /// Who wrote it: the name of a client, or the id of a node.
        package var source: String
        /// What the node is called that wrote it; missing for a client, and for a node that is not known.
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
    package struct ContextWish: Codable, Hashable, Sendable {
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
