// SPDX-License-Identifier: Apache-2.0

import KithModel

/// What a node keeps of one member.
struct MemberEntry: Sendable {
    var state = MemberState.unknown
    var instance: InstanceID?
    var incarnation = Incarnation.first
    var declaration = NodeMetadata()
    /// Since when the state holds.
    var since: MonotonicInstant
    /// The last authenticated sign of life that came from the member itself.
    var lastHeard: MonotonicInstant?
    var lives = InstanceHistory()
    var suspicion: Suspicion?

    /// Hearsay that it is dead or has left, to be believed if the next probe fails too.
    var claim: MemberRecord?
    /// What was wrongly said of it and it has not contradicted yet.
    var untold: MemberRecord?
    var wantsDescription = true
    var copyNotice: (sighting: CloneSighting, until: MonotonicInstant)?

    /// When a response of the member last led to another packet to it.
    var followedUpAt: MonotonicInstant?
    var probe: SequenceNumber?
    var lastProbed: MonotonicInstant?
    var retryAt: MonotonicInstant?
    /// The attempts to reach it since it is gone.
    var attempts = 0
    /// How often in a row nobody listened at its addresses.
    var refusals = 0
    var refusedAt: MonotonicInstant?
    var lastFailure: GossipError?
    /// It counts as dead because nobody listened at its addresses, in this life of it.
    var isClosed = false
    var roundTrip: Duration?

    init(since: MonotonicInstant) { self.since = since }

    func record(of id: NodeID, withDeclaration: Bool) -> MemberRecord {
        MemberRecord(
            id: id, instance: instance, incarnation: incarnation, state: state, accusers: suspicion?.accusers ?? [],
            declarationVersion: declaration.version,
            declaration: withDeclaration && declaration.version > 0 ? declaration : nil)
    }

    /// What the member should hear of itself, so that it can contradict.
    func accusation(of id: NodeID) -> MemberRecord? {
        switch state {
        case .dead where isClosed: nil
        case .suspect, .dead, .left: instance == nil ? untold : record(of: id, withDeclaration: false)
        case .alive, .unknown: claim ?? untold
        }
    }
}

/// What a node says of itself.
struct LocalMember: Sendable {
    let instance: InstanceID
    var incarnation = Incarnation.first
    var declaration: NodeMetadata
    var hasLeft = false
    /// Declared when the pause between two changes has passed.
    var pending: NodeMetadata?
    var declaredAt: MonotonicInstant?

    var header: GossipPacket.Header {
        GossipPacket.Header(
            instance: instance, incarnation: incarnation, isLeaving: hasLeft, declarationVersion: declaration.version)
    }

    func record(of id: NodeID, withDeclaration: Bool) -> MemberRecord {
        MemberRecord(
            id: id, instance: instance, incarnation: incarnation, state: hasLeft ? .left : .alive,
            declarationVersion: declaration.version, declaration: withDeclaration ? declaration : nil)
    }
}
