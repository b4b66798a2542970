// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import KithServer
package import KithStore
package import KithTransport
package import KithVault

/// What a bridge works with.
package struct BridgeServices: Sendable {
    /// Cells that the owner wrote down, the best first.
    package var addresses: [HTTPAddress]
    /// The kin that are cells; asked several times a second, from memory.
    package var kin: @Sendable () -> [KinCell]
    package var client: UpstreamClient
    /// What answers here when no upstream does.
    package var local: any CellAnswering
    package var state: any SharedState
    package var store: Store
    package var events: EventHub
    package var access: AccessControl
    package var vault: @Sendable () async -> VaultStatusBody
    /// The cells of this node's own registry; `nil` without the role.
    package var registry: (@Sendable () -> [CellInfo])?
    /// Discovery services to ask beside it.
    package var discovery: [HTTPAddress]
    package var clock: any TimeSource

    package init(
        addresses: [HTTPAddress], kin: @escaping @Sendable () -> [KinCell], client: UpstreamClient,
        local: any CellAnswering, state: any SharedState, store: Store, events: EventHub, access: AccessControl,
        vault: @escaping @Sendable () async -> VaultStatusBody = { .unconfigured },
        registry: (@Sendable () -> [CellInfo])? = nil,
        discovery: [HTTPAddress] = [], clock: any TimeSource = MonotonicClock()
    ) {
        self.addresses = addresses
        self.kin = kin
        self.client = client
        self.local = local
        self.state = state
        self.store = store
        self.events = events
        self.access = access
        self.vault = vault
        self.registry = registry
        self.discovery = discovery
        self.clock = clock
    }
}
