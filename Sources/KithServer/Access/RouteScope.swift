// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What opens a route: any one of some scopes, or nothing at all.
package struct RouteScope: Hashable, Sendable, ExpressibleByArrayLiteral {
    /// Empty for a route that is open to everyone.
    let anyOf: [Scope]

    package init(arrayLiteral scopes: Scope...) { anyOf = scopes }

    /// For liveness only; its answer must not tell anything else.
    package static let everyone: RouteScope = []
    package static let chat: RouteScope = [.chat]
    package static let assist: RouteScope = [.assist]
    package static let sync: RouteScope = [.sync]
    package static let peer: RouteScope = [.peer]
    package static let read: RouteScope = [.read]
    package static let admin: RouteScope = [.admin]

    package func isOpen(to principal: Principal) -> Bool { anyOf.contains { principal.may($0) } }
}
