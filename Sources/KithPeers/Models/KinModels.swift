// SPDX-License-Identifier: Apache-2.0

package import Hummingbird
package import KithDialects
import KithMembership
import KithModel
import KithServer
import KithTransport
import NIOCore
import NIOHTTP1
import Synchronization

/// The models of a node's kin, as their owner sees and changes them from here.
package struct KinModels: Sendable {
    private static let listLimit = Duration.seconds(5)
    /// Until a kin's engine has done what it was told: weights are large and disks are slow.
    private static let orderLimit = Duration.seconds(960)
    /// Longer than a kin that tells of a pull is ever silent.
    private static let pullSilence = Duration.seconds(40)
    private static let bodyLimit = 4 << 20

    /// A kin answers some questions of one node at once: those who only look leave room for orders.
    private static let looksAtOnce = 8

    private let mesh: PeerMesh
    private let looks = Looks()

    private final class Looks: Sendable {
        let count = Atomic(0)
    }

    package init(mesh: PeerMesh) { self.mesh = mesh }

    /// The models of all kin that are there, side by side; the others are named. Returns within six seconds.
    ///
    /// - Throws: `ControlError` when too many look already.
    package func lists() async throws -> ModelMessage.List {
        try await looking { await allLists() }
    }

    private func looking<Value>(_ look: () async throws -> Value) async throws -> Value {
        defer { looks.count.subtract(1, ordering: .relaxed) }
        guard looks.count.add(1, ordering: .relaxed).newValue <= Self.looksAtOnce else {
            throw ControlError(.busy, "as many look at other machines' models as may; try again in a moment")
        }
        return try await look()
    }

    private func allLists() async -> ModelMessage.List {
        var all = ModelMessage.List()
        let kin = mesh.directory.peers().filter { $0.tier == .kin && $0.id != nil }
        await withTaskGroup(of: (String, Result<ModelMessage.List, any Error>).self) { group in
            for peer in kin {
                guard let node = peer.id else { continue }
                let name = peer.name.rawValue
                guard peer.state == .up else {
                    all.missing.append(.init(node: name, reason: "it cannot be reached"))
                    continue
                }
                group.addTask {
                    do {
                        return (name, .success(try await list(of: node, named: name)))
                    } catch {
                        return (name, .failure(error))
                    }
                }
            }
            for await (name, result) in group {
                switch result {
                case .success(let list):
                    all.models += list.models
                    all.engines += list.engines
                    all.pulls += list.pulls
                case .failure(let error): all.missing.append(.init(node: name, reason: Self.words(error)))
                }
            }
        }
        all.missing.sort { $0.node < $1.node }
        return all
    }

    /// - Parameter peer: An id, its first group, or a name.
    /// - Throws: `ControlError`; `ModelRefusal`; `CancellationError`.
    package func list(of peer: String) async throws -> ModelMessage.List {
        let (id, name) = try kin(peer)
        return try await telling(name) { try await looking { try await list(of: id, named: name) } }
    }

    /// - Throws: As ``list(of:)``.
    package func done(_ order: ModelMessage.Order, at peer: String) async throws -> ModelMessage.Done {
        let (id, name) = try kin(peer)
        return try await telling(name) {
            var done: ModelMessage.Done =
                if order.deed == .show {
                    try await looking { try await ask(order, of: id, limit: Self.listLimit) }
                } else {
                    try await ask(order, of: id, limit: Self.orderLimit)
                }
            done.node = name
            done.model?.node = name
            return done
        }
    }

    /// Has a kin pull a model, and passes on what it tells of that.
    ///
    /// - Parameter mayStill: Whether the one who asked may read on; asked before each piece.
    /// - Throws: As ``list(of:)``.
    package func pull(
        _ request: ModelMessage.PullRequest, at peer: String, mayStill: @escaping @Sendable () -> Bool
    ) async throws -> Response {
        let (id, name) = try kin(peer)
        return try await telling(name) {
            let link = try await link(to: id)
            let body = ByteBuffer(bytes: try JSONBody.encode(request))
            let response = try await link.connection.stream(
                link.request(
                    .POST, PeerWire.modelPullPath, body: body, type: "application/json",
                    limits: UpstreamLimits(silence: Self.pullSilence)))
            guard response.status == 200 else {
                throw Self.refusal(response.status, try await response.body.collect(upTo: 64 << 10))
            }
            return .eventStream { writer in
                for try await piece in response.body {
                    guard mayStill() else { break }
                    try await writer.write(piece)
                }
                try await writer.finish(nil)
            }
        }
    }

    private func kin(_ peer: String) throws -> (id: NodeID, name: String) {
        let record = try mesh.find(peer)
        guard record.tier == .kin else {
            throw ControlError(.invalid, "\(peer.prefix(80)) is kith, somebody else's node: its models are not yours")
        }
        let name = mesh.directory.peers().first { $0.id == record.id }?.name.rawValue
        return (record.id, name ?? record.id.short)
    }

    private func list(of id: NodeID, named name: String) async throws -> ModelMessage.List {
        var list: ModelMessage.List = try await ask(.init(.list), of: id, limit: Self.listLimit)
        let models = list.models.filter { ModelName.isListable($0.name) }
        list.models = models.prefix(ModelMessage.limit).map { model in
            var model = model
            model.node = name
            return model
        }
        list.engines = list.engines.prefix(ModelMessage.limit).map { engine in
            var engine = engine
            engine.node = name
            return engine
        }
        list.pulls = list.pulls.prefix(ModelMessage.limit).map { pull in
            var pull = pull
            pull.node = name
            return pull
        }
        list.missing = []
        return list
    }

    private func ask<Answer: Decodable>(
        _ order: ModelMessage.Order, of id: NodeID, limit: Duration
    ) async throws -> Answer {
        let link = try await link(to: id)
        let reply = try await link.ask(
            link.request(
                .POST, PeerWire.modelOrdersPath, body: ByteBuffer(bytes: try JSONBody.encode(order)),
                type: "application/json", limits: UpstreamLimits(within: limit, bodyBytes: Self.bodyLimit)))
        guard reply.status == 200 else { throw Self.refusal(reply.status, reply.body) }
        return try JSONBody.decode(Answer.self, from: reply.body.readableBytesView)
    }

    private func link(to id: NodeID) async throws -> PeerLink {
        try await mesh.links.link(to: id, at: mesh.membership.addresses(of: id))
    }

    /// What a kin's refusal is here.
    static func refusal(_ status: Int, _ body: ByteBuffer) -> any Error {
        if let failure = try? JSONBody.decode(ModelMessage.Failure.self, from: body.readableBytesView),
            let reason = ModelRefusal.Reason(rawValue: failure.code)
        {
            return ModelRefusal(reason, HarmlessText(failure.message, limit: 1_000).description)
        }
        guard status != 404 else { return ControlError(.unreachable, "its version of kith does not manage models") }
        if let line = try? JSONBody.decode(PeerWire.Line.self, from: body.readableBytesView),
            case .failure(let failure) = line
        {
            return ControlError(
                failure.code == .overloaded ? .busy : .invalid, HarmlessText(failure.message, limit: 1_000).description)
        }
        return ControlError(.unreachable, "it answered with status \(status)")
    }

    /// Puts what goes wrong on the way into the owner's terms.
    private func telling<Value>(_ name: String, _ ask: () async throws -> Value) async throws -> Value {
        do {
            return try await ask()
        } catch let failure as LinkError {
            throw ControlError(.unreachable, "\(name) cannot be reached: \(failure)")
        } catch let failure as ChatError {
            throw ControlError(.unreachable, "\(name) does not answer: \(failure.message)")
        }
    }

    static func words(_ error: any Error) -> String {
        switch error {
        case let failure as ChatError: failure.message
        case let refusal as ModelRefusal: refusal.message
        case let refusal as ControlError: refusal.message
        case let failure as LinkError: "\(failure)"
        default: "it does not answer as a kith node does"
        }
    }
}
