// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// A node that may be there, put together from what all sources say of it.
package struct SuggestedPeer: Hashable, Sendable {
    package static let maximumAddresses = 16

    /// Claimed, not proved; `nil` where only an address was suggested.
    package var id: NodeID?
    package var name: NodeName?
    package var version: String?
    package var protocolVersion: Int?
    /// The one to try first at the front; never empty.
    package var addresses: [SuggestedAddress]

    package init(
        id: NodeID?, name: NodeName? = nil, version: String? = nil, protocolVersion: Int? = nil,
        addresses: [SuggestedAddress]
    ) {
        self.id = id
        self.name = name
        self.version = version
        self.protocolVersion = protocolVersion
        self.addresses = addresses
    }
}

/// One address of a ``SuggestedPeer``.
package struct SuggestedAddress: Hashable, Sendable {
    package var address: PeerAddress
    /// The most trustworthy source that names it.
    package var source: DiscoverySource
    /// How long ago that source named it first.
    package var knownFor: Duration
    /// How long ago that source ceased to name it; `nil` while it does.
    package var goneFor: Duration?

    package init(address: PeerAddress, source: DiscoverySource, knownFor: Duration, goneFor: Duration? = nil) {
        self.address = address
        self.source = source
        self.knownFor = knownFor
        self.goneFor = goneFor
    }
}

/// Something that hinders a way to find nodes.
package struct DiscoveryProblem: Hashable, Sendable {
    package var source: DiscoverySource
    package var text: String

    package init(source: DiscoverySource, text: String) {
        self.source = source
        self.text = text
    }
}
