// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithDialects
import KithModel
import KithServer
import KithStore
import NIOCore

/// What was used of the mesh through this node: by day, key, model and node.
struct UsageRoutes: Sendable {
    private static let ordinaryDays = 30

    let services: NodeServices

    func add(to router: SurfaceRouter) {
        // Everybody with a key sees what was used with it, and the owner what was used by all.
        router.surface("/api/usage", scope: .any, [.get: { try await usage($0, $1) }])
    }

    private func usage(_ request: Request, _ context: NodeRequestContext) async throws -> Response {
        let days = try request.queryNumber("days", in: 1...StoreLimits.usageDays) ?? Self.ordinaryDays
        let isCSV = try Self.wantsCSV(request)
        let caller = try context.caller.get()
        var holder = request.uri.queryParameters["key"].map(String.init)
        if !caller.may(.admin) {
            guard holder == nil || holder == caller.holder else {
                throw ControlError(.notFound, "nothing is told of others' keys without the scope 'admin'")
            }
            holder = caller.holder
        }
        let today = UTCDay(.now())
        let rows = try await services.access.limits.usage(
            from: today.advanced(by: 1 - days), to: today, of: holder)
        let names = try await names(for: caller)
        let usage = rows.map { ControlMessage.Usage($0.subject, $0.count, name: names[$0.subject.holder]) }
        guard isCSV else {
            return try .json(ControlMessage.UsageList(usage: usage), headers: [.cacheControl: "no-store"])
        }
        let lines = [ControlMessage.Usage.csvHeader] + usage.map(\.csvLine)
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/csv; charset=utf-8", .cacheControl: "no-store",
                .contentDisposition: "attachment; filename=\"kith-usage.csv\"",
            ],
            body: ResponseBody(byteBuffer: ByteBuffer(string: lines.joined(separator: "\r\n") + "\r\n")))
    }

    private func names(for caller: Principal) async throws -> [String: String] {
        if case .key(let key) = caller, !caller.may(.admin) { return [key.id: key.name] }
        guard caller.may(.admin) else { return [:] }
        let keys = try await services.access.keys.records()
        return Dictionary(keys.map { ($0.id, $0.name) }, uniquingKeysWith: { first, _ in first })
    }

    private static func wantsCSV(_ request: Request) throws -> Bool {
        switch request.uri.queryParameters["format"] {
        case nil, "json": false
        case "csv": true
        default: throw ControlError(.invalid, "'format' must be json or csv")
        }
    }
}
