// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithDialects
import KithModel
import KithServer

/// What happens in this node, as it happens.
struct EventRoutes: Sendable {
    static let path = "/api/events"

    let services: NodeServices

    func add(to router: SurfaceRouter) {
        router.surface(Self.path, scope: .read, [.get: { request, context in try follow(request, context) }])
    }

    private func follow(_ request: Request, _ context: NodeRequestContext) throws -> Response {
        var kinds =
            try request.uri.queryParameters["kinds"].map { try Self.kinds(String($0)) } ?? Set(NodeEvent.Kind.allCases)
        // Conversations are for the owner alone, their names as well.
        if !context.may(.admin) { kinds.remove(.session) }
        if kinds.isEmpty { try context.require(.admin) }
        guard
            let events = services.events.follow(
                kinds, after: Self.position(in: request), as: context.eventParty)
        else { throw ControlError(.busy, "as many follow the events already as may; try again later") }
        // A client that is to notice within seconds that the node hangs.
        let heartbeat = try request.queryNumber("heartbeat", in: 1...60).map { Duration.seconds($0) }
        let writer = EventStreamWriter(
            events: events, clock: services.clock, keepAlive: heartbeat ?? EventStreamWriter.keepAlive,
            mayStill: context.mayStill(.read, request, services.access))
        return Response.eventStream { body in try await writer.write(to: &body) }
    }

    /// Where the client was before it lost its connection; browsers send that by themselves (WHATWG HTML, 9.2.4).
    private static func position(in request: Request) -> EventPosition? {
        let text = request.headers[.lastEventID] ?? request.uri.queryParameters["last-event-id"].map(String.init)
        guard let text, !text.isEmpty else { return nil }
        return EventPosition(text) ?? .unknown
    }

    /// - Parameter text: Names of kinds with commas between them.
    private static func kinds(_ text: String) throws -> Set<NodeEvent.Kind> {
        let words = text.split(separator: ",")
        let kinds = words.compactMap { NodeEvent.Kind(rawValue: String($0)) }
        guard !kinds.isEmpty, kinds.count == words.count else {
            let all = NodeEvent.Kind.allCases.map(\.rawValue).joined(separator: ", ")
            throw ControlError(.invalid, "'kinds' must name some of \(all), with commas between them")
        }
        return Set(kinds)
    }
}

extension HTTPField.Name {
    fileprivate static let lastEventID = Self.known("last-event-id")
}
