// SPDX-License-Identifier: Apache-2.0

import Hummingbird
package import KithDialects
package import KithInference
package import KithModel
import KithServer

/// Does what an owner wants done with the models of this node, and writes down what changes them.
package struct ModelOrders: Sendable {
    /// Seconds that a model may be told to stay loaded.
    package static let stay = 1...31_536_000

    package let models: NodeModels
    /// Where models may be copied from, and what is sent of them.
    private let weights: KinWeights
    let office: WeightsOffice
    private let audit: any AuditTrail

    package init(models: NodeModels, weights: KinWeights, office: WeightsOffice, audit: any AuditTrail) {
        self.models = models
        self.weights = weights
        self.office = office
        self.audit = audit
    }

    /// - Parameters:
    ///   - subject: The key or node that asks, if any.
    ///   - source: The address that it asks from.
    /// - Throws: `ModelRefusal`; `CancellationError`.
    package func done(
        _ order: ModelMessage.Order, by subject: String?, from source: String?
    ) async throws -> ModelMessage.Done {
        var done = ModelMessage.Done(node: "", name: order.name, deed: order.deed)
        switch order.deed {
        case .list, .show: break
        case .load:
            let stay = try order.forSeconds.map { seconds in
                guard Self.stay.contains(seconds) else {
                    throw ControlError(
                        .invalid, "'for_seconds' must be from \(Self.stay.lowerBound) to \(Self.stay.upperBound)")
                }
                return Duration.seconds(seconds)
            }
            try await models.load(order.name, engine: order.engine, for: stay)
        case .unload: try await models.unload(order.name, engine: order.engine)
        case .remove:
            try await models.remove(order.name, engine: order.engine, isForced: order.force ?? false)
            record("removed", subject, source)
        case .copy:
            try await models.copy(order.name, as: order.newName ?? "", engine: order.engine)
            record("copied", subject, source)
            done.name = order.newName ?? ""
        case .cancel: try models.cancelPull(order.name)
        }
        let model =
            [.remove, .cancel].contains(order.deed) ? nil : try await models.show(done.name, engine: order.engine)
        done.model = model
        done.name = model?.name ?? done.name
        done.node = models.nodeName
        return done
    }

    /// Begins a pull, or a copy from another machine, or joins in.
    ///
    /// - Throws: `ModelRefusal`; `ControlError` for a machine that is none of the owner's; `CancellationError`.
    package func pull(
        _ request: ModelMessage.PullRequest, by subject: String?, from source: String?
    ) async throws -> AsyncStream<ModelMessage.Pull> {
        let machine = try request.from.map(weights.source)
        let pull = try await models.pull(request, from: machine)
        if pull.isNew { record(machine == nil ? "pulled" : "copied here", subject, source) }
        return pull.states
    }

    /// Says what a model is made of; whole answers about a model, after which it is sent, are written down.
    ///
    /// - Throws: `ModelRefusal`; `CancellationError`.
    func offer(
        _ question: WeightsMessage.Question, by subject: String, from source: String
    ) async throws -> WeightsMessage.Offer {
        let offer = try await office.offer(question)
        if question.name != nil, offer.checking == nil { record("offered", subject, source) }
        return offer
    }

    private func record(_ deed: String, _ subject: String?, _ source: String?) {
        audit.record(.modelsChanged, subject: subject, source: source, reason: deed)
    }
}

/// What kin, and nobody else, may have done with the models of this node: their owner is the same.
package struct ModelOrderRoutes: PeerRouteGroup {
    /// Bytes; names are short.
    private static let bodyLimit = 4_096

    private let orders: ModelOrders

    package init(orders: ModelOrders) { self.orders = orders }

    package func add(to router: PeerRouter, services: PeerServices) {
        router.peer(PeerWire.modelOrdersPath, .post, for: .kin, of: services) { request, caller in
            try await Self.telling {
                let order = try await request.decode(ModelMessage.Order.self, upTo: Self.bodyLimit)
                guard order.deed != .list else { return try .json(await orders.models.list()) }
                return try .json(
                    await orders.done(order, by: caller.id.description, from: caller.source))
            }
        }
        router.peer(PeerWire.modelPullPath, .post, for: .kin, of: services) {
            [clock = services.clock, trust = services.trust] request, caller in
            try await Self.telling {
                let wanted = try await request.decode(ModelMessage.PullRequest.self, upTo: Self.bodyLimit)
                let pull = try await orders.pull(wanted, by: caller.id.description, from: caller.source)
                let writer = PullStreamWriter(pull: pull, clock: clock) { trust.standing(of: caller.id) == .kin }
                return .eventStream { try await writer.write(to: &$0) }
            }
        }
        addWeights(to: router, services: services)
    }

    private func addWeights(to router: PeerRouter, services: PeerServices) {
        router.peer(PeerWire.weightsPath, .post, for: .kin, of: services) { request, caller in
            try await Self.telling {
                let question = try await request.decode(WeightsMessage.Question.self, upTo: Self.bodyLimit)
                return try .json(
                    await orders.offer(question, by: caller.id.description, from: caller.source))
            }
        }
        router.peer(PeerWire.weightsPiecePath, .post, for: .kin, of: services) {
            [trust = services.trust] request, caller in
            try await Self.telling {
                let wanted = try await request.decode(WeightsMessage.PieceRequest.self, upTo: Self.bodyLimit)
                let piece = try orders.office.piece(wanted)
                return Response(
                    status: .ok, headers: [.contentType: "application/octet-stream"],
                    body: ResponseBody(contentLength: piece.bytes) { writer in
                        var sent = 0
                        while let block = try await piece.block(at: sent) {
                            guard trust.standing(of: caller.id) == .kin else { throw PeerRefusal(.forgotten) }
                            sent += block.readableBytes
                            try await writer.write(block)
                        }
                        try await writer.finish(nil)
                    })
            }
        }
    }

    /// A refusal keeps its reason on its way to the owner.
    private static func telling(_ answer: () async throws -> Response) async throws -> Response {
        do {
            return try await answer()
        } catch let refusal as ModelRefusal {
            return try .json(
                ModelMessage.Failure(code: refusal.reason.rawValue, message: refusal.message), status: refusal.status)
        } catch let refusal as ControlError {
            throw ChatError(.invalidRequest, refusal.message)
        }
    }
}
