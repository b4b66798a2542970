// SPDX-License-Identifier: Apache-2.0

import KithHTTP
import KithModel
import KithStore
import Synchronization

/// Keeps what is written down, for a test to look at.
final class RecordingTrail: AuditTrail {
    struct Line: Hashable, Sendable {
        var kind: AuditRecord.Kind
        var subject: String?
        var source: String?
        var reason: String
    }

    private let state = Mutex<[Line]>([])

    var lines: [Line] { state.withLock { $0 } }

    func record(_ kind: AuditRecord.Kind, subject: String?, source: String?, reason: String) {
        state.withLock { $0.append(Line(kind: kind, subject: subject, source: source, reason: reason)) }
    }
}

extension AccessControl {
    static let token = Secret("kith_control_token")

    /// As on a loopback listener without further settings.
    static func open(_ store: Store) -> AccessControl { with(store) }

    /// - Parameter requiresKey: as on a listener that other machines reach.
    static func with(
        _ store: Store, requiresKey: Bool = false, allowedHosts: [String] = [],
        audit: any AuditTrail = RecordingTrail()
    ) -> AccessControl {
        AccessControl(
            policy: AccessPolicy(host: "127.0.0.1", requiresKey: requiresKey, allowedHosts: allowedHosts),
            keys: ClientKeys(store: store), controlToken: token, audit: audit)
    }
}

extension TestNode {
    /// Makes a key and gives back its text.
    func key(_ scopes: Set<Scope>, lifetime: Duration? = nil, now: WallTime = .now()) async throws -> String {
        try await services.access.keys.create(name: "test", scopes: scopes, lifetime: lifetime, now: now).text.reveal()
    }
}
