// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import Testing

@Suite("Which node somebody means")
struct NamedNodeTests {
    private static func id(_ first: UInt8) throws -> NodeID {
        try #require(NodeID(digest: [first] + [UInt8](repeating: 7, count: 31)))
    }

    @Test(
        "A name goes before the beginning of one, an id is taken whole or in part, and what fits two fits none",
        arguments: [
            ("desk", 0), ("des", nil), ("desk-2", 1), ("desk-", 1), ("lap", 2), ("LAP", nil), ("", nil), ("x", nil),
        ] as [(String, Int?)])
    func names(text: String, place: Int?) throws {
        let nodes = try [("desk", 0x10), ("desk-2", 0x50), ("laptop", 0xA0)].map { name, first in
            (id: try Self.id(first), name: try #require(NodeName(name)))
        }
        #expect(NamedNode.place(of: text, among: nodes) == place)
        for (place, node) in nodes.enumerated() {
            #expect(NamedNode.place(of: node.id.description, among: nodes) == place)
            #expect(NamedNode.place(of: String(node.id.description.prefix(9)).lowercased(), among: nodes) == place)
        }
    }
}
