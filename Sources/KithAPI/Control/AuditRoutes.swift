// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
import KithModel
import KithServer
import KithStore

/// Where the owner reads the audit trail. For nobody else: lines hold names and addresses.
struct AuditRoutes: Sendable {
    static let path = "/api/audit"
    private static let ordinaryCount = 100

    let services: NodeServices

    func add(to router: SurfaceRouter) {
        router.surface(Self.path, scope: .admin, [.get: { request, _ in try await lines(try query(request)) }])
    }

    private func lines(_ query: AuditQuery) async throws -> Response {
        let entries = try await services.store.audit(query)
        return try .json(
            AuditMessage.Lines(lines: entries.reversed().map { AuditMessage.Line($0.record, id: $0.id) }),
            headers: [.cacheControl: "no-store"])
    }

    private func query(_ request: Request) throws -> AuditQuery {
        let parameters = request.uri.queryParameters
        return AuditQuery(
            kinds: try Self.kinds(parameters["kind"].map(String.init)), source: parameters["source"].map(String.init),
            since: try Self.time(parameters["since"].map(String.init)),
            after: Int64(try request.queryNumber("after", in: 0...Int.max) ?? 0),
            limit: try request.queryNumber("n", in: 0...AuditQuery.largestLimit) ?? Self.ordinaryCount)
    }

    private static func kinds(_ text: String?) throws -> Set<AuditRecord.Kind> {
        guard let text, !text.isEmpty else { return [] }
        return Set(
            try text.split(separator: ",").map { word in
                guard let kind = AuditRecord.Kind(rawValue: String(word)) else {
                    let all = AuditRecord.Kind.allCases.map(\.rawValue).joined(separator: ", ")
                    throw ControlError(.invalid, "'kind' must be some of \(all)")
                }
                return kind
            })
    }

    private static func time(_ text: String?) throws -> WallTime? {
        guard let text else { return nil }
        guard let time = WallTime(iso8601: text) else {
            throw ControlError(.invalid, "'since' must be a time such as 2026-03-01T12:00:00Z")
        }
        return time
    }
}
