// SPDX-License-Identifier: Apache-2.0

/// Which addresses may reach a listener: those that are not denied, and where some are allowed, those alone.
///
/// This machine itself always may: its owner could not mend a rule otherwise.
package struct AddressRules: Hashable, Sendable {
    package static let none = AddressRules()

    /// Everybody who is not denied, where it is empty.
    package var allowed: [AddressRange]
    package var denied: [AddressRange]

    package init(allowed: [AddressRange] = [], denied: [AddressRange] = []) {
        self.allowed = allowed
        self.denied = denied
    }

    package func admit(_ address: AddressRange) -> Bool {
        if address.isLoopback { return true }
        return !denied.contain(address) && (allowed.isEmpty || allowed.contain(address))
    }
}
