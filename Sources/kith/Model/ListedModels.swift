// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithModel

/// The models that a node's mesh offers now.
struct ListedModels: Decodable {
    private struct Model: Decodable { var id: String }

    private var data: [Model]

    /// A sentence for each name that no machine has a model of; none where the node cannot say.
    static func warnings(of names: [String], _ client: NodeClient) async -> [String] {
        guard !names.isEmpty, let listed = try? await client.get(Self.self, "/v1/models") else { return [] }
        let known = listed.data.map(\.id)
        let there = known.isEmpty ? "none" : known.prefix(8).joined(separator: ", ")
        return names.filter { name in !known.contains { ModelID($0).isMeant(by: ModelID(name)) } }.map {
            "warning: no machine has a model named \($0.printable) now; there is \(there.printable)"
        }
    }
}
