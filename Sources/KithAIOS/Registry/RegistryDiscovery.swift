// SPDX-License-Identifier: Apache-2.0

package import KithMembership
package import KithModel
package import KithTransport

/// Registers this node with one discovery service of the seeds, and suggests the kith nodes among its cells.
///
/// Several services are several conformers, so that one that hangs delays no other. What a service said stays suggested
/// for as long as its own entries would live.
package struct RegistryDiscovery: Discovery {
    static let interval = Duration.seconds(5)

    private let client: RegistryClient
    private let ownCell: @Sendable () -> CellInfo?
    private let clock: any TimeSource

    /// - Parameters:
    ///   - endpoint: The service; its key is sent as a bearer token.
    ///   - ownCell: What to register, asked before each heartbeat because addresses and the level change; `nil`
    ///     registers nothing. A kith entry is added to its services where ``CellInfo/kith`` is set.
    package init(
        endpoint: PeerEndpoint, upstream: UpstreamClient, clock: any TimeSource = MonotonicClock(),
        ownCell: @escaping @Sendable () -> CellInfo?
    ) {
        client = RegistryClient(endpoint: endpoint, upstream: upstream)
        self.ownCell = ownCell
        self.clock = clock
    }

    package var source: DiscoverySource { .registry }

    package func run(_ report: @escaping @Sendable (DiscoveryReport) -> Void) async {
        var session = RegistrySession()
        var reported = DiscoveryReport()
        report(reported)
        while true {
            await round(&session)
            guard !Task.isCancelled else { break }
            let next = session.report(of: client.endpoint.address, at: clock.now)
            if next != reported { report(next) }
            reported = next
            do { try await clock.sleep(until: clock.now + Self.interval, tolerance: .milliseconds(200)) } catch {
                break
            }
        }
        await leave(session)
    }

    private func round(_ session: inout RegistrySession) async {
        do {
            if let cell = announced() {
                var isKnown = session.registered == cell.registration
                if isKnown { isKnown = try await client.heartbeat(cell) }
                session.registered = nil
                if !isKnown { try await client.register(cell) }
                session.registered = cell.registration
            }
            let cells = try await client.cells()
            session.heard(cells, own: ownCell()?.cellID, at: clock.now)
        } catch is CancellationError {
        } catch {
            session.failed((error as? ChatError)?.message ?? "\(error)")
        }
    }

    private func announced() -> CellInfo? {
        guard var cell = ownCell() else { return nil }
        if let service = cell.kith?.service, !cell.services.contains(service) { cell.services.append(service) }
        return cell
    }

    /// So that others need not wait for the entry to expire.
    private func leave(_ session: RegistrySession) async {
        guard let id = session.registered?.cellID else { return }
        // A task of its own, because nothing can be sent from the cancelled one; what takes long is left undone.
        let farewell = Task { [client] in
            let clock = MonotonicClock()
            try await withDeadline(clock.now + .seconds(1), clock: clock) { try await client.deregister(id) }
        }
        _ = await farewell.result
    }
}

extension CellInfo {
    /// What makes a new registration necessary when it changes: everything but what a heartbeat tells.
    fileprivate var registration: CellInfo {
        var cell = self
        cell.level = 0
        cell.lastSeen = nil
        return cell
    }
}

/// What is known from one discovery service. A pure value.
struct RegistrySession {
    /// What the service was told, without what changes from heartbeat to heartbeat.
    var registered: CellInfo?
    private var suggestions: [Suggestion] = []
    private var heardAt: MonotonicInstant?
    private var problem: String?

    mutating func heard(_ cells: [CellInfo], own: String?, at now: MonotonicInstant) {
        suggestions = cells.filter { $0.cellID != own }.compactMap(\.suggestion)
        heardAt = now
        problem = nil
    }

    mutating func failed(_ why: String) { problem = why }

    mutating func report(of address: HTTPAddress, at now: MonotonicInstant) -> DiscoveryReport {
        if let heardAt, now - heardAt >= Registry.expiry { suggestions = [] }
        return DiscoveryReport(
            suggestions: suggestions,
            problems: problem.map { ["the discovery service at \(address) cannot be used: \($0)"] } ?? [])
    }
}
