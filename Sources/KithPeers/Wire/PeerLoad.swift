// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What a node tells all its kin about itself in gossip: small, since it is told often.
package struct PeerLoad: Codable, Hashable, Sendable {
    package var name: NodeName
    package var version: String
    package var protocols: ProtocolVersions
    /// Changes when the node's models do; a node that has not seen this value asks for them at ``PeerWire/modelsPath``.
    package var catalogue: UInt64
    package var loading: Bool
    /// Which of its models are in memory; missing where its engine does not say.
    package var resident: [ModelID]?
    package var slots: Int
    /// Requests running and waiting.
    package var outstanding: Int
    package var level: Double
    /// Whether it answers as a cell too; missing where that is not known.
    package var isCell: Bool?
    /// Whether new prompts are to go elsewhere; missing where they are not.
    package var isDraining: Bool?
    /// Why its engine does not answer; missing when it does, and from nodes that list no models meanwhile.
    package var engineDown: String?
    /// Where its clients reach it, as its own machine names that; missing where it has no listener for them, and from nodes
    /// that do not tell.
    package var clientAddress: String?
    /// Whether it goes to sleep, and is not stopped, when it says goodbye; missing otherwise, and from nodes that do not tell.
    package var fallsAsleep: Bool?
    /// What the machine has left for models, and runs on; missing until it was measured, and from nodes that do not tell.
    package var machine: MachineFacts?

    package init(
        name: NodeName, version: String, protocols: ProtocolVersions = .supported, catalogue: UInt64, loading: Bool,
        resident: [ModelID]? = nil, slots: Int, outstanding: Int, level: Double, isCell: Bool? = nil,
        isDraining: Bool? = nil, engineDown: String? = nil, clientAddress: String? = nil, fallsAsleep: Bool? = nil,
        machine: MachineFacts? = nil
    ) {
        self.name = name
        self.version = version
        self.protocols = protocols
        self.catalogue = catalogue
        self.loading = loading
        self.resident = resident
        self.slots = slots
        self.outstanding = outstanding
        self.level = level
        self.isCell = isCell
        self.isDraining = isDraining
        self.engineDown = engineDown
        self.clientAddress = clientAddress
        self.fallsAsleep = fallsAsleep
        self.machine = machine
    }
}

extension PeerLoad {
    /// Bytes of the names of models in memory: of all that is told at once, no more than a quarter.
    private static let residentBytes = 1_024

    /// In JSON, with quotes and comma; what JSON escapes takes up to six.
    private static func encodedBytes(of name: ModelID) -> Int {
        name.rawValue.utf8.reduce(3) { sum, byte in
            switch byte {
            case ..<0x20, 0x7F: sum + 6
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): sum + 2
            default: sum + 1
            }
        }
    }

    /// As many as fit; the others count as not being in memory.
    package static func fitting(_ resident: [ModelID]?) -> [ModelID]? {
        var bytes = 0
        return resident.map { names in
            Array(
                names.prefix { name in
                    bytes += encodedBytes(of: name)
                    return bytes <= residentBytes
                })
        }
    }
}

/// The answer to `GET /peer/v1/models`.
package struct PeerModels: Codable, Sendable {
    /// Models of one kin that are taken.
    static let limit = 512

    package var catalogue: UInt64
    package var models: [ModelInfo]

    package init(catalogue: UInt64, models: [ModelInfo]) {
        self.catalogue = catalogue
        self.models = models
    }
}
