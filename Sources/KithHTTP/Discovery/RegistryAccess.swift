// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import KithMembership

/// Who a request to the registry comes from, as far as that can be told.
package struct RegistryCaller: Sendable {
    package var headers: HTTPFields
    /// The address of the connection's other end.
    package var remoteAddress: String?

    package init(headers: HTTPFields, remoteAddress: String?) {
        self.headers = headers
        self.remoteAddress = remoteAddress
    }
}

/// Whether a caller may change the registry, and whose the entries are.
package enum RegistryAccess: Hashable, Sendable {
    case allowed(RegistryOwner)
    /// Why not, and what would help.
    case refused(String)

    package typealias Rule = @Sendable (RegistryCaller) async -> RegistryAccess

    /// Callers on this machine may, others not: what holds before there are keys.
    package static let loopbackOnly: Rule = { caller in
        guard caller.remoteAddress.flatMap({ IPAddress($0) })?.isLoopback == true else {
            return .refused("registering from another machine needs a key")
        }
        return .allowed(.connected(from: caller.remoteAddress))
    }
}
