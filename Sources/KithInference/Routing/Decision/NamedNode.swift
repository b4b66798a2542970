// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Which node somebody means: by its name, its id, or the beginning of either where only one begins so.
package enum NamedNode {
    /// - Parameter nodes: Each with a name that no other has.
    /// - Returns: Its place; `nil` where none is meant, or more than one may be.
    package static func place(of text: String, among nodes: [(id: NodeID, name: NodeName)]) -> Int? {
        if let place = nodes.firstIndex(where: { $0.name.rawValue == text }) { return place }
        if let id = NodeID(text) { return nodes.firstIndex { $0.id == id } }
        guard !text.isEmpty else { return nil }
        let capitals = text.uppercased()
        let found = nodes.indices.filter { place in
            nodes[place].name.rawValue.hasPrefix(text) || nodes[place].id.description.hasPrefix(capitals)
        }
        return found.count == 1 ? found[0] : nil
    }
}
