// SPDX-License-Identifier: Apache-2.0

/// Connections that rest, those that rest shortest being used first.
struct IdleConnections {
    /// For one origin.
    static let originLimit = 64
    /// For all origins together.
    static let limit = 256

    private var connections: [UpstreamOrigin: [(connection: UpstreamConnection, turn: UInt64)]] = [:]
    private var count = 0
    private var turn: UInt64 = 0

    mutating func take(for origin: UpstreamOrigin) -> UpstreamConnection? {
        guard let taken = connections[origin]?.popLast() else { return nil }
        removedOne(from: origin)
        return taken.connection
    }

    /// - Returns: The connection for which there is no room: that of the same origin, or of all, which rests longest.
    mutating func add(_ connection: UpstreamConnection) -> UpstreamConnection? {
        var displaced: UpstreamConnection?
        if connections[connection.origin, default: []].count >= Self.originLimit {
            displaced = removeOldest(of: connection.origin)
        } else if count >= Self.limit,
            let oldest = connections.min(by: { ($0.value.first?.turn ?? .max) < ($1.value.first?.turn ?? .max) })
        {
            displaced = removeOldest(of: oldest.key)
        }
        turn += 1
        connections[connection.origin, default: []].append((connection, turn))
        count += 1
        return displaced
    }

    mutating func remove(_ connection: UpstreamConnection) {
        guard let index = connections[connection.origin]?.firstIndex(where: { $0.connection === connection }) else {
            return
        }
        connections[connection.origin]?.remove(at: index)
        removedOne(from: connection.origin)
    }

    mutating func takeAll() -> [UpstreamConnection] {
        defer { (connections, count) = ([:], 0) }
        return connections.values.flatMap { $0.map(\.connection) }
    }

    private mutating func removeOldest(of origin: UpstreamOrigin) -> UpstreamConnection? {
        guard connections[origin]?.isEmpty == false, let removed = connections[origin]?.removeFirst() else {
            return nil
        }
        removedOne(from: origin)
        return removed.connection
    }

    private mutating func removedOne(from origin: UpstreamOrigin) {
        count -= 1
        if connections[origin]?.isEmpty == true { connections[origin] = nil }
    }
}
