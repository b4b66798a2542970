// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithDialects
package import KithInference
package import KithModel
import KithServer

/// What happens in this node, as it happens.
struct EventRoutes: Sendable {
    static let path = "/api/events"

    let services: NodeServices

    func add(to router: SurfaceRouter) {
        router.surface(Self.path, scope: .read, [.get: { request, context in try follow(request, context) }])
    }

    private func follow(_ request: Request, _ context: NodeRequestContext) throws -> Response {
        let kinds = try request.uri.queryParameters["kinds"].map { try Self.kinds(String($0)) }
        guard
            let events = services.events.follow(
                kinds ?? Set(NodeEvent.Kind.allCases), after: Self.position(in: request), as: context.eventParty)
        else { throw ControlError(.busy, "as many follow the events already as may; try again later") }
        // A client that is to notice within seconds that the node hangs.
        let heartbeat = try request.queryNumber("heartbeat", in: 1...60).map { Duration.seconds($0) }
        let writer = EventStreamWriter(
            events: events, clock: services.clock, keepAlive: heartbeat ?? EventStreamWriter.keepAlive)
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

extension RouteJournal {
    /// Announces each request to clients that follow events of the kind `route`; does nothing while there are none.
    package func announce(in events: EventHub) {
        whenNoted { [weak events] record in
            guard let events, events.hasFollowers(of: .route) else { return }
            events.publish(NodeEvent(.route, at: record.at, RouteMessage.Request(record, now: .now()).fields))
        }
    }
}

extension RouteMessage.Request {
    /// As the fields of an event, which says itself when it was.
    fileprivate var fields: JSONObject {
        guard let bytes = try? JSONBody.encode(self),  // these few fields always encode
            case .object(var fields) = try? JSONBody.decode(JSONValue.self, from: bytes)
        else { return [:] }
        fields["at"] = nil
        fields["seconds_ago"] = nil
        return fields
    }
}
