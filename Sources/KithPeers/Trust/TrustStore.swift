// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import KithStore
package import KithTrust
import Synchronization

/// What another node is to this one.
package enum PeerRelation: String, Hashable, Sendable {
    /// It shows this node's own identity.
    case own
    case kin
    case kith
    case forgotten
    case stranger
}

/// Who is trusted, in memory for every request and on disk for the next start.
///
/// Kin follow from the signed operations that all kin share; kith are this node's own matter. When a method returns,
/// its change is on disk.
package final class TrustStore: Sendable {
    /// What a change of trust means for open connections.
    package struct Change: Sendable {
        package var kin: Set<NodeID>
        /// The nodes that are trusted less than before, or not at all.
        package var lost: Set<NodeID>
        /// Whether nothing counts any more that one of these has ever said.
        package var wasStolen = false
    }

    private struct State: Sendable {
        var log: TrustLog
        /// Grows with every change of the log.
        var revision = 0
        var records: [NodeID: PeerRecord]
    }

    private struct Standings: Hashable, Sendable {
        let kin: Set<NodeID>
        let kith: Set<NodeID>

        init(_ state: borrowing State) {
            kin = Set(state.log.resolution.kin.keys)
            kith = Set(state.records.values.filter { $0.tier == .kith }.map(\.id)).subtracting(kin)
        }
    }

    private let identity: NodeIdentity
    private let store: Store
    private let backup: KinBackupFile?
    private let state: Mutex<State>
    private let announced: Mutex<Standings>
    private let onChange = Callback<Change>()

    private init(identity: NodeIdentity, store: Store, backup: KinBackupFile?, state: consuming State) {
        self.identity = identity
        self.store = store
        self.backup = backup
        announced = Mutex(Standings(state))
        self.state = Mutex(state)
    }

    /// Reads what earlier runs have stored.
    ///
    /// - Parameter backup: What it knows beyond that, from a database that was lost, is stored again; every change is
    ///   kept there too.
    package static func open(
        identity: NodeIdentity, store: Store, backup: KinBackupFile? = nil
    ) async throws -> TrustStore {
        var log = TrustLog(root: identity.id)
        let stored = try await store.trustOperations()
        _ = log.insert(stored)
        try await store.append([], keeping: log.kept(of: stored))
        let records = Dictionary(
            try await store.peerRecords().map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        var state = State(log: log, records: records)
        if let kept = await backup?.read(), kept.root == identity.id {
            try await restore(kept, to: &state, and: store)
        }
        let trust = TrustStore(identity: identity, store: store, backup: backup, state: state)
        await trust.keepBackup()
        return trust
    }

    private static func restore(_ backup: KinBackup, to state: inout State, and store: Store) async throws {
        let insertion = state.log.insert(backup.operations)
        try await store.append(insertion.accepted, keeping: insertion.kept)
        for (id, addresses) in backup.addresses where state.log.resolution.kin[id] != nil && state.records[id] == nil {
            let record = PeerRecord(id: id, tier: .kin, addresses: addresses)
            try await store.save(record)
            state.records[id] = record
        }
    }

    /// - Parameter action: Called after each change, from the task that caused it; must not change trust itself.
    package func whenChanged(_ action: @escaping @Sendable (Change) -> Void) { onChange.set(action) }

    // MARK: Queries

    var log: TrustLog { state.withLock { $0.log } }

    package var kin: Set<NodeID> { state.withLock { Set($0.log.resolution.kin.keys) } }

    /// Another kin has forgotten this node.
    package var isForgotten: Bool { state.withLock { $0.log.resolution.isSelfForgotten } }

    package func standing(of id: NodeID) -> PeerRelation {
        if id == identity.id { return .own }
        return state.withLock { state in
            if state.log.resolution.kin[id] != nil { return .kin }
            if state.records[id]?.tier == .kith { return .kith }
            return state.log.resolution.forgotten[id] == nil ? .stranger : .forgotten
        }
    }

    /// All kin and kith, in a fixed order.
    package func peers() -> [PeerRecord] {
        state.withLock { state in
            let kin = state.log.resolution.kin
            let kith = state.records.values.filter { $0.tier == .kith && kin[$0.id] == nil }
            return (kin.keys.map { record(of: $0, in: state) } + kith).sorted { $0.id < $1.id }
        }
    }

    /// What is remembered of a kin or a kith; `nil` for everybody else.
    func record(of id: NodeID) -> PeerRecord? {
        state.withLock { state in
            if state.log.resolution.kin[id] != nil { return record(of: id, in: state) }
            return state.records[id].flatMap { $0.tier == .kith ? $0 : nil }
        }
    }

    private func record(of kin: NodeID, in state: State) -> PeerRecord {
        let introduction = state.log.resolution.kin[kin]?.introduction
        var record = state.records[kin] ?? PeerRecord(id: kin, tier: .kin)
        record.tier = .kin
        record.name = record.name ?? introduction?.name
        record.addresses = Self.distinct(record.addresses + (introduction?.addresses ?? []))
        return record
    }

    // MARK: Changing

    /// Trusts a node as kin, and tells all other kin so, or as kith.
    package func admit(
        _ id: NodeID, as tier: Tier, name: NodeName?, addresses: [PeerAddress], at now: WallTime
    ) async throws {
        var insertion = TrustInsertion()
        switch tier {
        case .kin:
            insertion = try state.withLock { state in
                if state.log.resolution.kin[id] != nil { return TrustInsertion() }
                let introduction = PairingIntroduction(name: name, addresses: addresses)
                let operation = try identity.admit(id, introduction: introduction, in: state.log, now: now)
                state.revision += 1
                return state.log.insert([operation])
            }
        case .kith: insertion = try withdraw(id, wholly: false, at: now)
        }
        defer { announce() }
        try await store.append(insertion.accepted, keeping: insertion.kept)
        try await keep(id, orBeginAs: tier) { record in
            record.tier = tier
            if tier == .kith { record.wake = WakeNotes() }
            record.name = name ?? record.name
            record.addresses = addresses + record.addresses
        }
        await keepBackup()
    }

    /// Ends all trust in a node, on all kin.
    ///
    /// - Parameter wholly: Whom it has admitted is trusted no more either, unless somebody else has admitted it too.
    package func forget(_ id: NodeID, wholly: Bool = false, at now: WallTime) async throws {
        let insertion = try withdraw(id, wholly: wholly, at: now)
        state.withLock { $0.records[id] = nil }
        // Also when the disk is full: a forgotten node loses its connections.
        defer { announce() }
        try await store.append(insertion.accepted, keeping: insertion.kept)
        try await store.removePeer(id)
        try await store.settleSessions(of: id, removing: wholly)
        await keepBackup()
    }

    private func withdraw(_ id: NodeID, wholly: Bool, at now: WallTime) throws -> TrustInsertion {
        try state.withLock { state in
            guard state.log.resolution.kin[id] != nil else { return TrustInsertion() }
            state.revision += 1
            return state.log.insert([try identity.forget(id, wholly: wholly, in: state.log, now: now)])
        }
    }

    /// Notes what was learned of a peer: its name, where it answered, when. Nothing is noted of others, such as a peer that
    /// was forgotten meanwhile.
    package func update(_ id: NodeID, _ change: (inout PeerRecord) -> Void) async throws {
        try await keep(id, orBeginAs: nil, change)
        await keepBackup()
    }

    /// - Parameter tier: The tier of a new record where there is none; without it only a kin gets one.
    private func keep(_ id: NodeID, orBeginAs tier: Tier?, _ change: (inout PeerRecord) -> Void) async throws {
        let record = state.withLock { state -> PeerRecord? in
            let tier = tier ?? (state.log.resolution.kin[id] == nil ? nil : .kin)
            guard var record = state.records[id] ?? tier.map({ PeerRecord(id: id, tier: $0) }) else { return nil }
            change(&record)
            record.addresses = Array(Self.distinct(record.addresses).prefix(16))
            state.records[id] = record
            return record
        }
        guard let record else { return }
        try await store.save(record)
        // It may have been forgotten, and removed from the disk, before it was written.
        if state.withLock({ $0.records[id] == nil }) { try await store.removePeer(id) }
    }

    private func keepBackup() async {
        await backup?.keep { [self] in
            state.withLock { state in
                KinBackup(
                    root: identity.id, operations: state.log.signedOperations,
                    addresses: state.records.filter { state.log.resolution.kin[$0.key] != nil }.mapValues(\.addresses))
            }
        }
    }

    // MARK: Sharing

    /// What to ask a kin.
    package func question() -> OperationsMessage {
        OperationsMessage(versions: state.withLock { $0.log }.versions)
    }

    /// Takes over what a kin sent, and answers with what it lacks.
    package func exchange(_ message: OperationsMessage) async throws -> OperationsMessage {
        try await take(message)
        let log = state.withLock { $0.log }
        return OperationsMessage(versions: log.versions, operations: log.missing(for: message.versions))
    }

    /// Takes over the operations of a kin's answer.
    ///
    /// - Returns: Whether there was anything new.
    @discardableResult
    package func take(_ message: OperationsMessage) async throws -> Bool {
        guard !message.operations.isEmpty else { return false }
        let insertion = insert(message.operations)
        guard !insertion.accepted.isEmpty || !insertion.kept.isEmpty else { return false }
        let lost = announce()
        try await store.append(insertion.accepted, keeping: insertion.kept)
        for id in lost {
            let isWhole = state.withLock { $0.log.resolution.cuts[id] == 0 }
            try await store.settleSessions(of: id, removing: isWhole)
            // What was a kin's alone goes with the trust in it.
            if state.withLock({ $0.records[id]?.wake.isEmpty == false }) {
                try await keep(id, orBeginAs: nil) { $0.wake = WakeNotes() }
            }
        }
        await keepBackup()
        return true
    }

    /// Signatures are checked and the log is resolved outside of the lock, which every request of a peer takes.
    private func insert(_ operations: [SignedOperation]) -> TrustInsertion {
        let unknown = state.withLock { $0.log.unknown(of: operations) }
        let offers = unknown.map(TrustLog.Offer.init)
        while true {
            var (log, revision) = state.withLock { ($0.log, $0.revision) }
            let insertion = log.insert(offers)
            let isDone = state.withLock { state in
                guard state.revision == revision else { return false }
                state.log = log
                state.revision += 1
                return true
            }
            if isDone { return insertion }
        }
    }

    /// What to send to a kin after its answer; `nil` when it lacks nothing.
    package func lacking(in answer: OperationsMessage) -> OperationsMessage? {
        let log = state.withLock { $0.log }
        let missing = log.missing(for: answer.versions)
        return missing.isEmpty ? nil : OperationsMessage(versions: log.versions, operations: missing)
    }

    /// Each once, at its first place.
    private static func distinct(_ addresses: [PeerAddress]) -> [PeerAddress] {
        var seen: Set<PeerAddress> = []
        return addresses.filter { seen.insert($0).inserted }
    }

    /// Held while a change is announced, so that changes at the same time are announced one after another, the latest
    /// last.
    ///
    /// - Returns: The nodes that are trusted less than before.
    @discardableResult
    private func announce() -> Set<NodeID> {
        announced.withLock { before in
            let after = state.withLock { Standings($0) }
            guard after != before else { return [] }
            let lost = before.kin.subtracting(after.kin)
                .union(before.kith.subtracting(after.kith).subtracting(after.kin))
            before = after
            let cuts = state.withLock { $0.log.resolution.cuts }
            onChange(Change(kin: after.kin, lost: lost, wasStolen: lost.contains { cuts[$0] == 0 }))
            return lost
        }
    }
}
