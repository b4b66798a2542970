// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithDialects
import KithInference
import KithModel
import KithPeers
import KithServer

/// Trust as the command line controls it: who this node is, whom it trusts, and who is near.
struct ControlRoutes: Sendable {
    /// Bytes; a code and a name are short.
    private static let largestBody = 16_384

    private static let peersPath = "/api/peers"

    let control: any MeshControl
    /// Modules of a QR code.
    let qrCode: @Sendable (String) -> [String]?

    func add(to router: SurfaceRouter) {
        router.surface("/api/identity", scope: .read, [.get: { _, _ in try .json(control.identity()) }])
        router.surface("/api/invitations", scope: .admin, [.post: { request, _ in try await invite(request) }])
        router.surface("/api/join", scope: .admin, [.post: { request, _ in try await join(request) }])
        router.surface(Self.peersPath + "/nearby", scope: .read, [.get: { _, _ in try .json(control.nearby()) }])
        router.surface(Self.peersPath + "/forgotten", scope: .read, [.get: { _, _ in try .json(control.forgotten()) }])
        router.surface(
            Self.peersPath + "/{id}/wake", scope: .admin, [.post: { request, _ in try await wake(request) }])
        router.surface(
            Self.peersPath + "/{id}", scope: .admin,
            [
                .patch: { request, _ in try await change(request) },
                .delete: { request, _ in try await forget(request) },
            ])
    }

    /// Whether a path is one of those that answer errors as `ControlError` is rendered.
    static func cover(_ path: String) -> Bool {
        let places = [
            "/api/identity", "/api/invitations", "/api/join", "/api/keys", "/api/usage", peersPath, ContextRoutes.path,
            LevelRoutes.path, SyncRoutes.path, EventRoutes.path, SessionRoutes.path, RoutingRoutes.path,
            DrainRoutes.path, CompanionRoutes.path, CultureRoutes.path, PageSessionRoutes.path, TraceRoutes.path,
            LogRoutes.path, AlertRoutes.path, AuditRoutes.path, "/ui", "/page", "/api/vitals", "/api/doctor",
            "/api/bridge", ModelRoutes.path, PlaceRoutes.path,
        ]
        return places.contains { path == $0 || path.hasPrefix($0 + "/") }
    }

    // MARK: Requests

    private func invite(_ request: Request) async throws -> Response {
        let wanted = try await request.decode(ControlMessage.InvitationRequest.self, upTo: Self.largestBody)
        let limits = InvitationLimits.expirySeconds
        if let seconds = wanted.expiresSeconds, !limits.contains(seconds) {
            throw ControlError(
                .invalid, "'expires_seconds' must be from \(limits.lowerBound) to \(limits.upperBound)")
        }
        var invitation = try await control.invite(wanted)
        if wanted.withQRCode == true { invitation.qrCode = qrCode(invitation.code) }
        return try .json(invitation, status: .created, headers: Self.unstored)
    }

    private func join(_ request: Request) async throws -> Response {
        let wanted = try await request.decode(ControlMessage.JoinRequest.self, upTo: Self.largestBody)
        guard wanted.code.utf8.count <= InvitationLimits.longestCode else {
            throw ControlError(.malformedCode, "that is too long to be a code; paste what kith invite printed")
        }
        return try .json(try await control.join(wanted))
    }

    private func change(_ request: Request) async throws -> Response {
        let peer = try peer(in: request)
        let change = try await request.decode(ControlMessage.PeerChange.self, upTo: Self.largestBody)
        guard change.name != nil || change.tier != nil else {
            throw ControlError(.invalid, "nothing is to be changed: give 'name' or 'tier'")
        }
        return try .json(try await control.change(peer.rawValue, change))
    }

    private func forget(_ request: Request) async throws -> Response {
        let isWhole: Bool
        switch request.uri.queryParameters["stolen"].map(String.init) {
        case nil, "0": isWhole = false
        case "1", "": isWhole = true
        default: throw ControlError(.invalid, "'stolen' must be 0 or 1")
        }
        return try .json(try await control.forget(try peer(in: request).rawValue, wholly: isWhole))
    }

    private func wake(_ request: Request) async throws -> Response {
        try .json(try await control.wake(try peer(in: request, before: "/wake").rawValue))
    }

    /// - Parameter end: What follows the peer in the path.
    private func peer(in request: Request, before end: String = "") throws -> PeerReference {
        let place = request.uri.path.dropFirst(Self.peersPath.count + 1).dropLast(end.count)
        guard let peer = PeerReference(String(place)) else {
            throw ControlError(.unknownPeer, "the path does not name a peer; give its name or its id")
        }
        return peer
    }

    /// A code is a secret, and no cache on the way may keep it.
    private static let unstored: HTTPFields = [.cacheControl: "no-store"]
}

/// Lets the owner send new prompts elsewhere while what runs here comes to its end.
struct DrainRoutes: Sendable {
    static let path = "/api/drain"
    private static let bodyLimit = 4_096
    private static let pauseSeconds = 1...31_536_000

    let services: NodeServices

    func add(to router: SurfaceRouter) {
        router.surface(
            Self.path, scope: .admin,
            [
                .get: { _, _ in try .json(state) },
                .put: { request, _ in try await change(request) },
            ])
    }

    private func change(_ request: Request) async throws -> Response {
        let wish = try await request.decode(ControlMessage.DrainRequest.self, upTo: Self.bodyLimit)
        if let seconds = wish.forSeconds, !Self.pauseSeconds.contains(seconds) {
            throw ControlError(
                .invalid,
                "'for_seconds' must be from \(Self.pauseSeconds.lowerBound) to \(Self.pauseSeconds.upperBound)")
        }
        let until = wish.forSeconds.map { services.clock.now + .seconds($0) }
        services.pauses.change { causes in
            if wish.draining { causes.pause(until: until) } else { causes.end() }
        }
        return try .json(state)
    }

    private var state: ControlMessage.Drain {
        let engine = services.engine.status()
        let since = services.mesh.drainingSince
        let causes = services.pauses.current
        let kinAnswer = services.mesh.snapshots().contains { !$0.isSelf && $0.mayAnswer }
        return ControlMessage.Drain(
            draining: since != nil, seconds: since.map { (services.clock.now - $0).seconds.rounded(toPlaces: 1) },
            reason: causes.reason,
            endsInSeconds: causes.ends.map { max(0, ($0 - services.clock.now).seconds.rounded(toPlaces: 1)) },
            active: engine.active, queued: engine.queued, kinAnswer: kinAnswer)
    }
}
