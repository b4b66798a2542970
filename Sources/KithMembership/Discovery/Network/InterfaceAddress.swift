// SPDX-License-Identifier: Apache-2.0

/// One address of one of this machine's network interfaces.
package struct InterfaceAddress: Hashable, Sendable {
    package var interface: String
    package var address: IPAddress
    /// Whether the interface is administratively up and has a carrier.
    package var isRunning: Bool

    package init(interface: String, address: IPAddress, isRunning: Bool) {
        self.interface = interface
        self.address = address
        self.isRunning = isRunning
    }
}
