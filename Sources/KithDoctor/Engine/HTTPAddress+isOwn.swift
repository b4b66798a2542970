// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel

extension HTTPAddress {
    /// Whether it is in the owner's own network, as far as the address tells.
    var isOwn: Bool {
        if host == "localhost" || host.hasSuffix(".local") || !host.contains(".") && !host.contains(":") { return true }
        return IPAddress(host).map { $0.isLoopback || $0.isPrivate } ?? false
    }
}
