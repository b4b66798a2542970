// SPDX-License-Identifier: Apache-2.0

import KithAPI
package import KithModel
package import KithServer
package import KithStore
import NIOHTTP1
import Synchronization

/// Keeps the audit records, for a test to look at.
package final class RecordingTrail: AuditTrail {
    package struct Line: Hashable, Sendable {
        package var kind: AuditRecord.Kind
        package var subject: String?
        package var source: String?
        package var reason: String
    }

    private let state = Mutex<[Line]>([])

    package init() {}

    package var lines: [Line] { state.withLock { $0 } }

    package func record(_ kind: AuditRecord.Kind, subject: String?, source: String?, reason: String) {
        state.withLock { $0.append(Line(kind: kind, subject: subject, source: source, reason: reason)) }
    }
}

extension AccessControl {
    package static let token = Secret("kith_control_token")

    /// As on a loopback listener without further settings.
    package static func open(_ store: Store) -> AccessControl { with(store) }

    /// - Parameter requiresKey: as on a listener that other machines reach.
    package static func with(
        _ store: Store, requiresKey: Bool = false, allowedHosts: [String] = [], allowedOrigins: [String] = [],
        audit: any AuditTrail = RecordingTrail(), rates: CallerLimits.Rates = CallerLimits.Rates()
    ) -> AccessControl {
        AccessControl(
            policy: AccessPolicy(
                host: "127.0.0.1", requiresKey: requiresKey, allowedHosts: allowedHosts, allowedOrigins: allowedOrigins),
            keys: ClientKeys(store: store), controlToken: token, audit: audit,
            limits: CallerLimits(rates: rates, store: store))
    }
}

extension TestNode {
    /// The same node, asked with the token of its owner's command line.
    package func asOwner() -> TestNode {
        var node = self
        node.headers = ["Authorization": "Bearer \(AccessControl.token.reveal())"]
        return node
    }

    /// Makes a key and gives back its text.
    package func key(
        _ scopes: Set<Scope>, lifetime: Duration? = nil, limits: KeyLimits = KeyLimits(), now: WallTime = .now()
    ) async throws -> String {
        try await services.access.keys.create(
            name: "test", scopes: scopes, lifetime: lifetime, limits: limits, now: now
        ).text.reveal()
    }
}
