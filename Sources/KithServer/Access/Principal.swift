// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Who asks.
package enum Principal: Hashable, Sendable {
    /// Somebody on this machine, without a key.
    case local
    /// Whoever may read this node's files: the command line of its owner.
    case control
    /// The holder of a key.
    case key(ClientKeyRecord)

    /// Changes of trust always need a key or the owner: every program and page on a machine may come without one.
    func may(_ scope: Scope) -> Bool {
        switch self {
        case .local: scope != .admin
        case .control: true
        case .key(let key): key.scopes.contains(scope)
        }
    }
}
