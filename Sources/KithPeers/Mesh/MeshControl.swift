// SPDX-License-Identifier: Apache-2.0

package import KithDialects
import KithInference
import KithMembership
package import KithModel
import KithSync
import KithTrust

/// What the owner of a node can ask of it about trust and about the nodes that it trusts; the routes below `/api` are
/// its only caller.
///
/// All methods throw `ControlError` with a message that says what to do.
package protocol MeshControl: Sendable {
    func identity() -> ControlMessage.Identity
    func invite(_ request: ControlMessage.InvitationRequest) async throws -> ControlMessage.Invitation
    /// Returns when both sides trust each other.
    func join(_ request: ControlMessage.JoinRequest) async throws -> ControlMessage.Peer
    /// - Parameter peer: A name, an id or its first group, whole.
    func change(_ peer: String, _ change: ControlMessage.PeerChange) async throws -> ControlMessage.Peer
    /// Drops live connections, and removes what the peer has written, before it returns.
    ///
    /// - Parameter wholly: Whom it has introduced is kin no more either.
    func forget(_ peer: String, wholly: Bool) async throws -> ControlMessage.Forgotten
    /// Who was forgotten, and what is left of all that are no kin.
    func forgotten() -> ControlMessage.Leftovers
    func nearby() -> ControlMessage.Nearby
    /// Returns when packets that wake it were sent, before it is up.
    ///
    /// - Parameter peer: A name, an id or its first group, whole.
    func wake(_ peer: String) async throws -> ControlMessage.Wake
    /// Hands a conversation to a kin, and returns when it has it on disk or refuses it. May be repeated.
    ///
    /// - Parameter peer: A name, an id, or the beginning of either where only one begins so.
    func send(_ session: SessionExport, to peer: String) async throws -> SessionDelivery
}

/// The kin that was sent a conversation, and its answer.
package struct SessionDelivery: Sendable {
    package var peer: ControlMessage.Peer
    package var receipt: SessionReceipt

    package init(peer: ControlMessage.Peer, receipt: SessionReceipt) {
        self.peer = peer
        self.receipt = receipt
    }
}

extension PeerMesh: MeshControl {
    package func identity() -> ControlMessage.Identity {
        ControlMessage.Identity(
            id: ownIdentity.id, name: profile.name, fingerprint: ownIdentity.fingerprint,
            addresses: profile.addresses(), isCloned: directory.isCloned)
    }

    package func invite(_ request: ControlMessage.InvitationRequest) async throws -> ControlMessage.Invitation {
        let seconds = request.expiresSeconds ?? 600
        guard (1...86_400).contains(seconds) else {
            throw ControlError(.invalid, "a code is valid for one second to 24 hours")
        }
        switch pairing.invite(tier: request.tier, lifetime: .seconds(seconds)) {
        case .success(let code):
            var invitation = ControlMessage.Invitation(
                code: code.text, tier: code.tier, expiresSeconds: seconds, addresses: code.addresses)
            if isSeenByOthers, !invitation.isForThisMachineOnly { invitation.words = code.words }
            return invitation
        case .failure(let refusal): throw ControlError(refusal)
        }
    }

    package func join(_ request: ControlMessage.JoinRequest) async throws -> ControlMessage.Peer {
        let code: PairingCode
        switch PairingCode.read(request.code) {
        case .success(let read): code = read
        case .failure(let why): throw ControlError(.malformedCode, why.description)
        }
        if pairing.made(code) { throw ControlError(PairingRefusal.ownCode) }
        let kin = trust.kin
        if code.tier == .kith, let place = code.place, kin.contains(where: place.inviter.isBeginning) {
            throw ControlError(PairingRefusal.alreadyKin)
        }
        let call = PairingCall(
            links: links, code: code, joiner: ownIdentity.id,
            introduction: PairingIntroduction(name: profile.name, addresses: profile.addresses()), kin: kin,
            seen: seen())
        do {
            let (peer, address) = try await call.run(clock: clock)
            return try await welcome(peer, at: address)
        } catch PairingRefusal.unknownInvitation where code.place == nil {
            throw ControlError(
                .refusedCode,
                "no machine that this one sees knows these words; make new ones there, or paste the long code"
                    + (code.tier == .kith ? " (kin are not asked: kith tier trusts one less)" : ""))
        } catch let refusal as PairingRefusal {
            throw ControlError(refusal)
        } catch let failure as LinkError {
            audit.recordIfOtherNode(failure, than: ownIdentity.id)
            throw ControlError(failure, code: code, joiner: ownIdentity.id)
        } catch let failure as ChatError {
            throw ControlError(.unreachable, failure.message)
        }
    }

    private func welcome(_ peer: PairedNode, at address: PeerAddress) async throws -> ControlMessage.Peer {
        let addresses = [address] + peer.introduction.addresses.filter { $0 != address }
        // Known before it is trusted, so that the first greeting already finds it.
        try await trust.admit(
            peer.id, as: peer.tier, name: peer.introduction.name, addresses: addresses, at: .now())
        membership.suggest(addresses: addresses, for: peer.id)
        audit.record(.pairingAccepted, subject: peer.id.description, source: address.host, reason: peer.tier.rawValue)
        if peer.tier == .kin { await sync.run(with: [peer.id]) }
        directory.refresh()
        news(.paired(peer.id, peer.introduction.name, peer.tier))
        return try described(peer.id)
    }

    package func change(_ peer: String, _ change: ControlMessage.PeerChange) async throws -> ControlMessage.Peer {
        // Whoever is trusted more from now on is named whole: somebody else's name may begin the same.
        let record = try find(peer, byBeginning: false)
        if change.name?.rawValue == PeerNames.reserved {
            throw ControlError(
                .invalid, "no peer can be called \(PeerNames.reserved): that stands for those that are not paired")
        }
        if let name = change.name {
            try await trust.update(record.id) { $0.nickname = name }
            audit.record(.peerRenamed, subject: record.id.description, source: nil, reason: name.rawValue)
        }
        if let tier = change.tier, tier != record.tier {
            try await trust.admit(record.id, as: tier, name: record.name, addresses: record.addresses, at: .now())
            audit.record(.peerTierChanged, subject: record.id.description, source: nil, reason: tier.rawValue)
            await sync.run(with: membership.reachable)
        }
        directory.refresh()
        return try described(record.id)
    }

    package func forget(_ peer: String, wholly: Bool = false) async throws -> ControlMessage.Forgotten {
        let record = try find(peer)
        let described = try described(record.id)
        let introduced = trust.introduced(by: record.id)
        let names = Dictionary(
            directory.peers().compactMap { entry in entry.id.map { ($0, entry.name) } },
            uniquingKeysWith: { first, _ in first })
        let others = wholly ? introduced : []
        let before = writes(of: others.union([record.id]))
        try await trust.forget(record.id, wholly: wholly, at: .now())
        audit.record(.peerForgotten, subject: record.id.description, source: nil, reason: "asked by the owner")
        // The others are told first: what is removed here could come back from them.
        await sync.run(with: membership.reachable)
        try await stateSync?.shared.removeOthers()
        let kin = trust.kin
        return ControlMessage.Forgotten(
            peer: described, writes: before - writes(of: others.union([record.id])),
            introduced: introduced.sorted().compactMap { id in
                names[id].map { ControlMessage.Forgotten.Introduced(id: id, name: $0, isKin: kin.contains(id)) }
            })
    }

    private func writes(of nodes: Set<NodeID>) -> Int {
        let authors = stateSync?.shared.authors ?? [:]
        return nodes.reduce(0) { $0 + (authors[$1]?.operations ?? 0) }
    }

    package func forgotten() -> ControlMessage.Leftovers {
        let kin = trust.kin.union([ownIdentity.id])
        let written = (stateSync?.shared.authors ?? [:]).filter { !kin.contains($0.key) }
        let stated = trust.otherAuthors()
        let forgotten = Dictionary(
            trust.forgotten().map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let ids = Set(forgotten.keys).union(written.keys).union(stated.keys)
        return ControlMessage.Leftovers(
            nodes: ids.sorted().map { id in
                ControlMessage.Leftovers.Node(
                    id: id, forgottenBy: forgotten[id].map { $0.by.sorted() } ?? [],
                    logs: written[id]?.logs ?? 0, writes: written[id]?.operations ?? 0, statements: stated[id] ?? 0)
            })
    }

    func described(_ id: NodeID) throws -> ControlMessage.Peer {
        directory.refresh()
        guard let entry = directory.peers().first(where: { $0.id == id }) else {
            throw ControlError(.unknownPeer, "the peer is not trusted any more")
        }
        return ControlMessage.Peer(id: id, name: entry.name, tier: entry.tier)
    }

    /// - Parameter text: A name, an id, or the beginning of either where only one begins so.
    func find(_ text: String, byBeginning: Bool = true) throws -> PeerRecord {
        let records = trust.peers()
        let names = Dictionary(
            directory.peers().compactMap { entry in entry.id.map { ($0, entry.name.rawValue) } },
            uniquingKeysWith: { first, _ in first })
        let wanted = NodeID(text)
        let exact = records.filter { record in
            record.id == wanted || record.id.short == text.uppercased() || names[record.id] == text
        }
        let named = records.compactMap { record in names[record.id].flatMap { NodeName($0) }.map { (record.id, $0) } }
        if byBeginning, exact.isEmpty, let place = NamedNode.place(of: text, among: named),
            let found = records.first(where: { $0.id == named[place].0 })
        {
            return found
        }
        switch exact.count {
        case 1: return exact[0]
        case 0: throw ControlError(.unknownPeer, "no peer is called \(text.prefix(80)); kith peers lists them")
        default: throw ControlError(.ambiguousPeer, "several peers fit; use the whole id from kith peers --json")
        }
    }
}

extension ControlError {
    init(_ refusal: PairingRefusal) {
        let code: Code =
            switch refusal {
            case .expired, .challengeExpired: .expiredCode
            case .unknownInvitation, .alreadyUsed, .spoilt, .wrongProof, .replayed: .refusedCode
            case .tooManyAttempts, .tooManyInvitations: .tooManyAttempts
            case .malformed: .incompatible
            case .ownCode, .alreadyKin: .invalid
            case .otherNode: .wrongNode
            }
        self.init(code, refusal.description)
    }

    fileprivate init(_ failure: LinkError, code: PairingCode, joiner: NodeID) {
        guard let place = code.place else {
            self.init(
                .unreachable,
                "this machine sees no other on the network (kith peers --nearby); paste the long code instead of the words"
            )
            return
        }
        let places = code.addresses.map(\.description).joined(separator: ", ")
        let isLocal = !code.addresses.isEmpty && code.addresses.allSatisfy(\.isLoopback)
        let advice =
            "the code says only how its node is reached from its own machine (\(places)); if that is another one, open "
            + "the node there with kith setup --yes --lan and use a new code"
        switch failure {
        case .wrongNode(joiner): self.init(.unreachable, "this node itself answers at \(places): " + advice)
        case .wrongNode(let seen) where isLocal:
            self.init(.wrongNode, "another node of this machine (\(seen.short)) answers at \(places): " + advice)
        case .refused where isLocal, .unreachable where isLocal, .timeout where isLocal:
            self.init(.unreachable, "nobody answers at \(places): " + advice)
        case .wrongNode(let seen):
            self.init(
                .wrongNode,
                "another node (\(seen.short)) answers at \(places) than the one that made the code "
                    + "(\(place.inviter.short)); do not trust it")
        case .incompatible: self.init(.incompatible, "\(failure)")
        case .rejected(let refusal): self.init(.refusedCode, refusal.message)
        case .noAddress, .leadsBack:
            self.init(
                .unreachable,
                "the code names no address; open the node there with kith setup --yes --lan and use a new code")
        case .refused, .unreachable, .timeout:
            self.init(
                .unreachable,
                "cannot reach the other node at \(places): \(failure); is it running, open to "
                    + "other machines (kith setup --yes --lan), and let through by that machine's firewall?")
        }
    }
}

extension AuditTrail {
    fileprivate func recordIfOtherNode(_ failure: LinkError, than own: NodeID) {
        guard case .wrongNode(let seen) = failure, seen != own else { return }
        record(
            .pairingRefused, subject: seen.description, source: nil,
            reason: PairingRefusal.otherNode.rawValue)
    }
}
