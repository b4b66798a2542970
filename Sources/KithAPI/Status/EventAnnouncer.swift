// SPDX-License-Identifier: Apache-2.0

import KithCulture
import KithDialects
import KithInference
import KithModel
package import KithPeers
import KithStore

/// Makes events of what happens in a node, while somebody follows them.
package struct EventAnnouncer: Sendable {
    /// Between two looks at the peers: each is in at most four events a second.
    static let pause = Duration.milliseconds(250)

    private let services: NodeServices
    private let mesh: PeerMesh

    private var events: EventHub { services.events }

    package init(services: NodeServices, mesh: PeerMesh) {
        self.services = services
        self.mesh = mesh
    }

    /// From now on what happens is noticed; ``run()`` ends that.
    package func begin() {
        services.dispatcher.journal.announce(in: events)
        services.store.sessionChanges.set { [events] in events.publish(NodeEvent(.session, $0.fields)) }
        mesh.news.set { [self] in if events.hasFollowers(of: $0.kind) { events.publish(event(about: $0)) } }
        services.company?.service.news.set { [events] in
            if events.hasFollowers(of: .exchange) { events.publish(NodeEvent(.exchange, $0.fields)) }
        }
    }

    /// Looks at the peers whenever they may have changed, until cancelled.
    package func run() async {
        defer {
            services.store.sessionChanges.clear()
            mesh.news.clear()
            services.company?.service.news.clear()
        }
        let (changes, changed) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        mesh.directory.whenRefreshed { changed.yield() }
        var news = PeerNews()
        for await _ in changes {
            guard events.hasFollowers(of: .mesh) || events.hasFollowers(of: .node) else {
                news = PeerNews()  // whoever follows next is told everything
                continue
            }
            for event in news.events(services.status()) { events.publish(event) }
            do { try await services.clock.sleep(for: Self.pause) } catch { return }
        }
    }

    private func event(about news: MeshNews) -> NodeEvent {
        switch news {
        case .invited(let tier):
            return NodeEvent(.pairing, ["change": "invited", "tier": .string(tier.rawValue)])
        case .paired(let id, let name, let tier):
            var fields: JSONObject = [
                "change": "paired", "id": .string(id.description), "tier": .string(tier.rawValue),
            ]
            fields["name"] = name.map { .string($0.rawValue) }
            return NodeEvent(.pairing, fields)
        case .nearby: return NodeEvent(.pairing, ["change": "nearby"])
        case .exchanged(let id, let sent, let received):
            var fields: JSONObject = [
                "id": .string(id.description), "name": .string(NodeNames(services).text(for: id)),
                "sent": .integer(Int64(sent)), "received": .integer(Int64(received)),
            ]
            if let kin = services.state.report().kin.first(where: { $0.id == id }) {
                fields["state"] = .string(StateMessage.Sync.Kin.standing(of: kin).rawValue)
                fields["behind_by"] = .integer(Int64(clamping: kin.behind))
                fields["ahead_by"] = .integer(Int64(clamping: kin.ahead))
            }
            return NodeEvent(.sync, fields)
        }
    }
}

extension NodeServices {
    /// As `GET /api/status` says it, without the counts of conversations, which the store has.
    func status(address: String = "") -> NodeStatus {
        let now = clock.now
        var status = NodeStatus(
            node: name.rawValue, version: version, address: address,
            uptimeSeconds: (now - startedAt).seconds.rounded(toPlaces: 1), level: level(),
            draining: mesh.drainingSince != nil, engine: NodeStatus.Engine(engine.status()),
            peers: mesh.peers().map { NodeStatus.Peer($0, now: now) }, sessions: 0, turnCount: 0, valence: 0)
        status.storeLoss = store.loss?.description
        status.machine = mesh.machine().map(MachineMessage.init)
        return status
    }
}

extension MeshNews {
    fileprivate var kind: NodeEvent.Kind {
        switch self {
        case .invited, .paired, .nearby: .pairing
        case .exchanged: .sync
        }
    }
}

extension SessionChange {
    fileprivate var fields: JSONObject {
        var fields: JSONObject = ["id": .string(session.rawValue), "change": .string(kind.rawValue)]
        if let title { fields["title"] = .string(title) }
        return fields
    }
}

extension CompanionService.News {
    fileprivate var fields: JSONObject {
        switch self {
        case .began(let peer, let topic): ["change": "began", "peer": .string(peer), "topic": .string(topic)]
        case .ended(let record):
            [
                "change": "ended", "peer": .string(record.peer), "topic": .string(record.topic),
                "outcome": .string(record.outcome.rawValue),
            ]
        case .brokeOff(let peer, let topic):
            ["change": "ended", "peer": .string(peer), "topic": .string(topic), "outcome": "broken_off"]
        }
    }
}

extension RouteJournal {
    /// Announces each request, when a node is asked and when the request ends; does nothing while nobody follows.
    func announce(in events: EventHub) {
        whenStarted { [weak events] start in
            guard let events, events.hasFollowers(of: .request) else { return }
            events.publish(
                NodeEvent(
                    .request,
                    [
                        "id": .string(start.id.rawValue), "node": .string(start.candidate.name.rawValue),
                        "model": .string(start.candidate.model.rawValue), "continues": .bool(start.continues),
                    ]))
        }
        whenNoted { [weak events] record in
            guard let events, events.hasFollowers(of: .route) else { return }
            events.publish(NodeEvent(.route, at: record.at, RouteMessage.Request(record, now: .now()).fields))
        }
    }
}

extension RouteMessage.Request {
    /// As the fields of an event, which says itself when it was.
    fileprivate var fields: JSONObject {
        var fields = JSONObject(encoding: self)
        fields["at"] = nil
        fields["seconds_ago"] = nil
        return fields
    }
}
