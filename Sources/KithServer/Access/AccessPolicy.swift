// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTrust

/// Who is let in to a listener of clients, and as whom.
package struct AccessPolicy: Hashable, Sendable {
    /// Without a key nobody is anybody. On by itself where other machines reach the listener.
    package var requiresKey: Bool
    /// For requests without a key.
    package var hostNames: HostNames

    package init(requiresKey: Bool, hostNames: HostNames = HostNames()) {
        self.requiresKey = requiresKey
        self.hostNames = hostNames
    }

    /// The policy of a listener on `host`.
    package init(host: String, requiresKey: Bool, allowedHosts: [String]) {
        let isLoopback = HostNames.isLoopback(host[...])
        self.init(requiresKey: requiresKey || !isLoopback, hostNames: HostNames(allowedHosts + [host]))
    }

    /// - Parameters:
    ///   - key: what the request shows; `nil` when it shows nothing.
    ///   - host: from its `Host` header; `nil` when there is none, as no page of another site can do.
    ///   - verdict: what becomes of a key that counts.
    func caller(
        key: PresentedKey?, host: String?, verdict: (PresentedKey) -> Result<Principal, AccessRefusal>
    ) -> Result<Principal, AccessRefusal> {
        if let key, requiresKey || key.isOfNode { return verdict(key) }
        if requiresKey { return .failure(.keyMissing) }
        if let host, !hostNames.contains(authority: host) { return .failure(.foreignHost(host)) }
        return .success(.local)
    }
}
