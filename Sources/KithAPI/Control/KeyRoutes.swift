// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
import KithModel
import KithServer
import KithStore
import KithTrust

/// Where the owner makes, sees and revokes the keys of clients.
struct KeyRoutes: Sendable {
    /// Bytes of a key's name.
    static let longestName = 128
    /// Ten years.
    static let longestLifetime = 315_360_000
    static let bodyLimit = 64 << 10

    let services: NodeServices

    func add(to router: SurfaceRouter) {
        router.surface(
            "/api/keys", scope: .admin,
            [.get: { _, _ in try await list() }, .post: { request, context in try await create(request, context) }])
        router.surface(
            "/api/keys/:id", scope: .admin,
            [
                .delete: { _, context in
                    try await revoke(try context.parameters.require("id"), source: context.source)
                }
            ])
    }

    private func list() async throws -> Response {
        let now = WallTime.now()
        let keys = try await services.access.keys.records().map { record in
            ControlMessage.Key(record, now: now, tokensToday: services.access.limits.tokensToday(of: record.id))
        }
        return try .json(ControlMessage.Keys(keys: keys))
    }

    private func create(_ request: Request, _ context: NodeRequestContext) async throws -> Response {
        let wanted = try await request.decode(ControlMessage.KeyRequest.self, upTo: Self.bodyLimit)
        try Self.check(wanted)
        let limits = try wanted.limits?.checked() ?? KeyLimits()
        let now = WallTime.now()
        let made: (text: Secret, record: ClientKeyRecord)
        do {
            made = try await services.access.keys.create(
                name: wanted.name, scopes: Set(wanted.scopes),
                lifetime: wanted.expiresSeconds.map { .seconds(Int64($0)) }, limits: limits, now: now)
        } catch let error as StoreError where error.code == .limitReached {
            throw ControlError(.invalid, error.message)
        } catch is KeyRing.Unsuitable {
            throw ControlError(.invalid, "there are \(KeyRing.limit) keys; revoke one and start the node again")
        }
        services.access.audit.record(
            .keyCreated, subject: made.record.id, source: context.source,
            reason: "scopes " + wanted.scopes.map(\.rawValue).joined(separator: " "))
        return try .json(
            ControlMessage.NewKey(key: made.text.reveal(), details: ControlMessage.Key(made.record, now: now)),
            status: .created, headers: [.cacheControl: "no-store"])
    }

    private func revoke(_ id: String, source: String?) async throws -> Response {
        let now = WallTime.now()
        let hadKey = try await services.access.keys.revoke(id, now: now)
        guard let key = try await services.access.keys.records().first(where: { $0.id == id }) else {
            throw ControlError(.unknownKey, "there is no key with this id; GET /api/keys lists them")
        }
        if hadKey { services.access.audit.record(.keyRevoked, subject: id, source: source, reason: "asked for") }
        return try .json(ControlMessage.Key(key, now: now))
    }

    private static func check(_ wanted: ControlMessage.KeyRequest) throws {
        let isPrintable = wanted.name.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
        guard (1...longestName).contains(wanted.name.utf8.count), isPrintable else {
            throw ControlError(.invalid, "'name' must have 1 to \(longestName) bytes and no control characters")
        }
        guard !wanted.scopes.isEmpty else {
            let all = Scope.allCases.map(\.rawValue).joined(separator: ", ")
            throw ControlError(.invalid, "'scopes' must name at least one of \(all)")
        }
        guard wanted.expiresSeconds.map({ (1...longestLifetime).contains($0) }) ?? true else {
            throw ControlError(.invalid, "'expires_seconds' must be from 1 to \(longestLifetime)")
        }
    }
}
