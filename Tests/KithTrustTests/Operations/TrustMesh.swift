// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import KithTrust
import Testing

/// Nodes that pair, forget and pass on what they know, some of them out of touch with the others.
struct TrustMesh {
    static let names = PairingIntroduction(name: nil, addresses: [])

    let identities: [NodeIdentity]
    var ledgers: [TrustLog]
    var now = WallTime(milliseconds: 1_772_366_400_000)

    init(nodes: Int) throws {
        identities = try (0..<nodes).map { _ in try NodeIdentity.ephemeral(now: .now()) }
        ledgers = identities.map { TrustLog(root: $0.id) }
    }

    func id(_ node: Int) -> NodeID { identities[node].id }

    /// A node's log that holds nothing but its admission of another.
    func newcomer(_ node: Int, knowing other: Int) throws -> TrustLog {
        var log = TrustLog(root: id(node))
        _ = log.insert([try identities[node].admit(id(other), introduction: Self.names, in: log, now: now)])
        return log
    }

    /// Both admit each other.
    mutating func pair(_ one: Int, _ other: Int) throws {
        try admit(other, by: one)
        try admit(one, by: other)
    }

    mutating func admit(_ subject: Int, by author: Int) throws {
        now = now.advanced(by: .seconds(1))
        let operation = try identities[author].admit(
            id(subject), introduction: Self.names, in: ledgers[author], now: now)
        _ = ledgers[author].insert([operation])
    }

    mutating func forget(_ subject: Int, by author: Int) throws {
        now = now.advanced(by: .seconds(1))
        _ = ledgers[author].insert([try identities[author].forget(id(subject), in: ledgers[author], now: now)])
    }

    /// Each gives the other what it lacks.
    mutating func exchange(_ one: Int, _ other: Int) {
        for round in 0...100 {
            #expect(round < 100, "the two never agree")
            let there = ledgers[one].missing(for: ledgers[other].versions)
            let back = ledgers[other].missing(for: ledgers[one].versions)
            if there.isEmpty && back.isEmpty { return }
            _ = ledgers[other].insert(there)
            _ = ledgers[one].insert(back)
        }
    }

    mutating func exchangeAll() {
        for _ in 0..<2 {
            for one in identities.indices {
                for other in identities.indices where other > one { exchange(one, other) }
            }
        }
    }

    /// Who is kin in whose eyes, by number.
    func kin(of node: Int) -> [Int] {
        identities.indices.filter { ledgers[node].resolution.kin[id($0)] != nil }
    }

    /// Everything that all nodes have stated.
    var operations: [SignedOperation] {
        identities.indices.flatMap { ledgers[$0].missing(for: TrustLog(root: id($0)).versions) }
    }
}
