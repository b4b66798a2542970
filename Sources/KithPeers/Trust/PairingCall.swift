// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithInference
import KithModel
import KithServer
import KithTransport
import KithTrust
import NIOCore

/// Brings a pairing code to the node that made it; the other end is ``PairingRoutes``.
struct PairingCall: Sendable {
    static let limit = Duration.seconds(10)
    /// How many addresses are asked for one that knows the words, and how many at once; how long each may take, and all.
    static let seenLimit = 128
    private static let lanes = 8
    private static let nodeLimit = Duration.seconds(5)
    private static let wholeLimit = Duration.seconds(40)

    typealias Paired = (peer: PairedNode, address: PeerAddress)

    let links: PeerLinks
    let code: PairingCode
    let joiner: NodeID
    let introduction: PairingIntroduction
    /// They are not asked by words for somebody else's node.
    let kin: Set<NodeID>
    /// Where nodes are that this one sees on the network; an id is what was claimed.
    let seen: [(id: NodeID?, address: PeerAddress)]

    /// - Returns: The node that the pairing was made with, and where it answered.
    /// - Throws: `PairingRefusal`; ``LinkError``; `ChatError` when the connection breaks.
    func run(clock: any TimeSource) async throws -> Paired {
        guard let place = code.place else {
            do {
                return try await withDeadline(clock.now + Self.wholeLimit, clock: clock) { try await askAround(clock) }
            } catch is DeadlineExceeded {
                throw PairingRefusal.unknownInvitation
            }
        }
        // The code may be older than an address, and does not hold all of them.
        let more = seen.filter { $0.id.map(place.inviter.isBeginning) ?? false }.map(\.address)
        let addresses = place.addresses + more.filter { !place.addresses.contains($0) }.prefix(PeerLinks.addressLimit)
        let race = AddressRace(addresses: addresses, clock: clock) { address in
            try await links.open(code.expected, at: address)
        } discard: { opened in
            opened.connection.close()
        }
        let opened = try await race.run()
        return try await pair(attempt(), with: opened.node, on: opened.connection)
    }

    private func attempt() -> JoinAttempt {
        var generator = SystemRandomNumberGenerator()
        return JoinAttempt(code: code, joiner: joiner, introduction: introduction, using: &generator)
    }

    /// Asks the nodes that are seen, some at once, until one knows the invitation and proves that it knows the secret.
    ///
    /// Whoever answers hears the name of an invitation and no more, unless it claims to have made it. A false claim costs that
    /// node's attempt alone: the proof that it is given fits the two ids of this connection only.
    private func askAround(_ clock: any TimeSource) async throws -> Paired {
        var waiting = candidates.prefix(Self.seenLimit)[...]
        guard !waiting.isEmpty else { throw LinkError.noAddress }
        let first = attempt()
        return try await withThrowingTaskGroup(of: Result<Paired, any Error>.self) { group in
            func startNext() {
                guard let address = waiting.popFirst() else { return }
                group.addTask {
                    do {
                        return .success(
                            try await withDeadline(clock.now + Self.nodeLimit, clock: clock) {
                                try await ask(first, at: address)
                            })
                    } catch {
                        return .failure(error)
                    }
                }
            }
            for _ in 0..<Self.lanes { startNext() }
            var told: any Error = PairingRefusal.unknownInvitation
            while let result = try await group.next() {
                switch result {
                case .success(let paired):
                    group.cancelAll()
                    return paired
                case .failure(let refusal as PairingRefusal) where Self.isOfInvitation(refusal): told = refusal
                case .failure: break
                }
                startNext()
            }
            throw told
        }
    }

    /// The first address of each node, then the second of each: one with many must not crowd out the others.
    private var candidates: [PeerAddress] {
        var places: [NodeID: Int] = [:]
        let ranked = seen.map { found -> (rank: Int, address: PeerAddress) in
            guard let id = found.id else { return (0, found.address) }
            defer { places[id, default: 0] += 1 }
            return (places[id] ?? 0, found.address)
        }
        return ranked.enumerated().sorted { ($0.element.rank, $0.offset) < ($1.element.rank, $1.offset) }.map(
            \.element.address)
    }

    /// Whether a refusal is about the invitation that the words name. Anything else may come from any node that was asked.
    private static func isOfInvitation(_ refusal: PairingRefusal) -> Bool {
        switch refusal {
        case .expired, .alreadyUsed, .spoilt, .tooManyAttempts: true
        default: false
        }
    }

    private func ask(_ first: JoinAttempt, at address: PeerAddress) async throws -> Paired {
        let opened = try await links.open(.anyone, at: address)
        guard opened.node != joiner, code.tier == .kin || !kin.contains(opened.node) else {
            opened.connection.close()
            throw PairingRefusal.unknownInvitation
        }
        var generator = SystemRandomNumberGenerator()
        return try await pair(first.anew(using: &generator), with: opened.node, on: opened.connection)
    }

    /// - Parameter inviter: The handshake has proven that it has this id.
    private func pair(
        _ begun: JoinAttempt, with inviter: NodeID, on connection: MultiplexedConnection
    ) async throws -> Paired {
        defer { connection.close() }
        var attempt = begun
        let challenge = try await ask(
            attempt.hello, PeerWire.pairingHelloPath, for: PairingChallenge.self, on: connection)
        let proof = try attempt.answer(challenge, from: inviter).get()
        let acceptance = try await ask(
            proof, PeerWire.pairingProofPath, for: PairingAcceptance.self, on: connection)
        return (try attempt.conclude(acceptance, from: inviter).get(), connection.address)
    }

    private func ask<Answer: Decodable>(
        _ message: some Encodable, _ path: String, for type: Answer.Type, on connection: MultiplexedConnection
    ) async throws -> Answer {
        let limits = UpstreamLimits(silence: Self.limit, bodyBytes: 64 << 10)
        let reply = try await connection.collect(
            try PeerLink.request(message, path, to: connection, limits: limits))
        let bytes = reply.body.readableBytesView
        if reply.status == 403, let rejection = try? JSONBody.decode(PairingRefusalMessage.self, from: bytes) {
            throw rejection.pairing
        }
        try PeerLink.check(reply)
        guard reply.status == 200, let answer = try? JSONBody.decode(type, from: bytes) else {
            throw PairingRefusal.malformed
        }
        return answer
    }
}
