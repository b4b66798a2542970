// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import KithModel
import KithTrust

/// Finds out who asks, for every request to a listener of clients. Neither waits nor blocks.
package struct AccessControl: Sendable {
    package var policy: AccessPolicy
    package var keys: ClientKeys
    /// What the owner's command line shows; fresh with every start.
    package var controlToken: Secret?
    package var audit: any AuditTrail

    package init(policy: AccessPolicy, keys: ClientKeys, controlToken: Secret?, audit: any AuditTrail) {
        self.policy = policy
        self.keys = keys
        self.controlToken = controlToken
        self.audit = audit
    }

    /// Another one after each change of the keys.
    package var version: UInt64 { keys.version }

    package func caller(_ head: HTTPRequest) -> Result<Principal, AccessRefusal> {
        caller(key: PresentedKey(head.headerFields), host: head.authority)
    }

    package func caller(key: PresentedKey?, host: String?) -> Result<Principal, AccessRefusal> {
        policy.caller(key: key, host: host, verdict: verdict)
    }

    private func verdict(_ key: PresentedKey) -> Result<Principal, AccessRefusal> {
        if let controlToken, controlToken.matches(key.text.utf8) { return .success(.control) }
        switch keys.check(key.text.utf8, now: .now()) {
        case .granted(let record): return .success(.key(record))
        case .refused(let reason, let id): return .failure(.keyRefused(reason, id: id))
        }
    }
}
