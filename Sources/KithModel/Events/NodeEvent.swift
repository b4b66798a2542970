// SPDX-License-Identifier: Apache-2.0

/// Something that happened in a node and that people or programs may want to follow.
package struct NodeEvent: Hashable, Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        /// A level was declared or removed, here or at a kin.
        case level
        /// A key of the context was written or removed, here or at a kin.
        case context
        /// The bridge went from one mode to another.
        case bridge
        /// A request was answered, or was not: where it went and why, and nothing of what was said.
        case route
        /// An insight was learned, decided about or forgotten, here or at a kin.
        case insight
    }

    package var kind: Kind
    package var at: WallTime
    package var fields: JSONObject

    package init(_ kind: Kind, at: WallTime = .now(), _ fields: JSONObject) {
        self.kind = kind
        self.at = at
        self.fields = fields
    }
}
