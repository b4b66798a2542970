// SPDX-License-Identifier: Apache-2.0

import KithModel

/// What a node says of itself.
struct OwnStanding: Sendable {
    let instance: InstanceID
    var incarnation = Incarnation.first
    var declaration: Declaration
    var hasLeft = false
    /// Declared when the pause between two changes has passed.
    var pending: Declaration?
    var declaredAt: Moment?

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
