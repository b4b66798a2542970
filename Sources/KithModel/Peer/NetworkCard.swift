// SPDX-License-Identifier: Apache-2.0

/// A network interface of a machine as its kin know it: by which address it is woken, and on which networks it is.
package struct NetworkCard: Hashable, Sendable {
    /// Of one machine.
    package static let limit = 4
    /// Of one interface.
    package static let networkLimit = 4

    package var hardware: HardwareAddress
    /// At most ``networkLimit``, each once.
    package var networks: [AddressRange]

    package init(hardware: HardwareAddress, networks: [AddressRange]) {
        self.hardware = hardware
        var seen: Set<AddressRange> = []
        self.networks = Array(networks.filter { seen.insert($0).inserted }.prefix(Self.networkLimit))
    }
}

extension NetworkCard: Codable {
    private enum CodingKeys: String, CodingKey { case hardware, networks }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        var texts = try container.nestedUnkeyedContainer(forKey: .networks)
        var networks: [AddressRange] = []
        while !texts.isAtEnd, networks.count < Self.networkLimit {
            guard let network = AddressRange(try texts.decode(String.self)) else {
                throw DecodingError.dataCorruptedError(in: texts, debugDescription: "not a network")
            }
            networks.append(network)
        }
        self.init(hardware: try container.decode(HardwareAddress.self, forKey: .hardware), networks: networks)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(hardware, forKey: .hardware)
        try container.encode(networks.map(\.description), forKey: .networks)
    }
}
