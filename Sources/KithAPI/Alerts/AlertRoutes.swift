// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithAlerts
import KithDialects
import KithModel
import KithPeers
import KithServer

/// The alerts of the mesh, and the silences that keep people from being told.
struct AlertRoutes: Sendable {
    static let path = "/api/alerts"
    private static let silences = path + "/silences"
    private static let bodyLimit = 4_096

    let services: NodeServices
    let board: any AlertBoard

    func add(to router: SurfaceRouter) {
        router.surface(Self.path, scope: .read, [.get: { _, _ in try await list() }])
        router.surface(Self.silences, scope: .admin, [.post: { request, _ in try await silence(request) }])
        router.surface(
            Self.silences + "/:id", scope: .admin,
            [.delete: { _, context in try await unsilence(context.pathParameter("id") ?? "") }])
    }

    private func list() async throws -> Response {
        try .json(AlertMessage.Report(await board.report(), names: NodeNames(services)))
    }

    private func silence(_ request: Request) async throws -> Response {
        let wish = try await request.decode(AlertMessage.SilenceRequest.self, upTo: Self.bodyLimit)
        let longest = AlertSilence.longest.seconds / 60
        guard wish.minutes > 0, wish.minutes <= longest else {
            throw ControlError(.invalid, "'minutes' must be more than 0 and at most \(Int(longest))")
        }
        let reason = wish.reason ?? ""
        guard reason.utf8.count <= AlertSilence.reasonLimit else {
            throw ControlError(.invalid, "'reason' may have \(AlertSilence.reasonLimit) bytes")
        }
        let silence = try await board.silence(
            AlertSilenceWish(
                condition: try wish.condition.map(condition), subject: try wish.subject.map(subject),
                duration: .seconds(60 * wish.minutes), reason: reason))
        return try .json(AlertMessage.Silence(silence, names: NodeNames(services)), status: .created)
    }

    private func unsilence(_ id: String) async throws -> Response {
        guard let silence = try await board.unsilence(id) else {
            throw ControlError(.notFound, "there is no such silence; GET \(Self.path) lists them")
        }
        return try .json(AlertMessage.Silence(silence, names: NodeNames(services)))
    }

    private func condition(_ text: String) throws -> AlertCondition {
        guard let condition = AlertCondition(rawValue: text) else {
            let all = AlertCondition.allCases.map(\.rawValue).joined(separator: ", ")
            throw ControlError(.invalid, "'condition' must be one of \(all)")
        }
        return condition
    }

    private func subject(_ text: String) throws -> NodeID {
        let own = services.mesh.ownID
        if text == NodeServices.selfSource || text == services.name.rawValue { return own }
        if let id = NodeID(text) { return id }
        let peer = services.mesh.peers().first { peer in
            peer.name.rawValue == text || peer.id?.short.lowercased() == text.lowercased()
        }
        guard let id = peer?.id else {
            throw ControlError(.invalid, "'subject' must be the name or id of this node or of a peer")
        }
        return id
    }
}

extension AlertMessage.Report {
    init(_ report: AlertReport, names: NodeNames) {
        self.init(
            alerts: report.alerts.map { AlertMessage.Alert($0, names: names) },
            silences: report.silences.map { AlertMessage.Silence($0, names: names) })
    }
}

extension AlertMessage.Alert {
    init(_ alert: MeshAlert, names: NodeNames) {
        self.init(
            alert: alert.key.condition.rawValue, state: alert.state.rawValue, severity: alert.severity.rawValue,
            subject: .init(id: alert.key.subject.description, name: alert.name.rawValue), since: alert.since.rfc3339,
            until: alert.until?.rfc3339, text: alert.sentence, detail: alert.detail,
            seen_by: alert.seenBy.map(names.text(for:)), told_by: alert.toldBy.map(names.text(for:)),
            silence: alert.silence)
    }
}

extension AlertMessage.Silence {
    init(_ silence: AlertSilence, names: NodeNames) {
        self.init(
            id: silence.id, condition: silence.condition?.rawValue,
            subject: silence.subject.map { .init(id: $0.description, name: names.text(for: $0)) },
            until: silence.until.rfc3339, reason: silence.reason, created_at: silence.createdAt.rfc3339)
    }
}
