// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTransport
import Logging
import Synchronization

/// The answer to `GET /network-peers`.
struct BridgePeersBody: Encodable {
    struct Peer: Encodable {
        var cell: CellInfo
        var isDesktop: Bool

        private enum CodingKeys: String, CodingKey { case is_desktop }

        func encode(to encoder: any Encoder) throws {
            try CellBody(cell).encode(to: encoder)
            guard isDesktop else { return }
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(true, forKey: .is_desktop)
        }
    }

    var peers: [Peer]
    var desktop_cell: String
    /// Left out unless a discovery service cannot be used.
    var error: String?
}

extension BridgeService {
    /// The cells that discovery knows and those that this bridge can ask, each once. From memory.
    func peers() -> BridgePeersBody {
        let found = watch.cells()
        let selector = upstreams.selector
        let primary = selector.primary?.id
        var cells: [(cell: CellInfo, upstream: UpstreamID?)] = []
        var seen: Set<String> = []
        for cell in (services.registry?() ?? []) + found.cells where seen.insert(cell.cellID).inserted {
            cells.append((cell, selector.entries.first { isSame(cell, as: $0) }?.id))
        }
        for entry in selector.entries where !cells.contains(where: { $0.upstream == entry.id }) {
            if let cell = cell(of: entry) { cells.append((cell, entry.id)) }
        }
        return BridgePeersBody(
            peers: cells.map {
                BridgePeersBody.Peer(cell: $0.cell, isDesktop: $0.upstream == primary && primary != nil)
            },
            desktop_cell: primaryLabel, error: found.problem)
    }

    private func isSame(_ cell: CellInfo, as entry: UpstreamEntry) -> Bool {
        if case .kin(let node) = entry.id { return cell.kith?.id == node }
        guard let place = upstreams.cell(entry.id)?.place else { return false }
        return (cell.ip == place.host && cell.port == place.port) || cell.cellID == entry.health?.cellID
    }

    /// A cell that was never heard from is not listed: nothing is known of it but where it should be.
    private func cell(of entry: UpstreamEntry) -> CellInfo? {
        guard let health = entry.health, let place = upstreams.cell(entry.id)?.place else { return nil }
        var cell = CellInfo(
            cellID: health.cellID, ip: place.host, port: place.port, level: health.level, services: health.services,
            branch: health.branch, hostname: place.host)
        if let lastUp = entry.lastUp {
            cell.lastSeen = WallTime.now().advanced(by: .zero - (services.clock.now - lastUp))
        }
        if case .kin(let node) = entry.id {
            cell.type = "kith"
            cell.kith = KithCell(id: node, peerPort: place.port)
        }
        return cell
    }
}

/// Asks discovery services which cells there are, and keeps what they said last.
final class RegistryWatch: Sendable {
    static let pause = Duration.seconds(5)

    private struct Answer: Sendable {
        var cells: [CellInfo] = []
        var heardAt: MonotonicInstant?
        var problem: String? = "not asked yet"
    }

    private let addresses: [HTTPAddress]
    private let client: UpstreamClient
    private let clock: any TimeSource
    private let logger: Logger
    private let answers = Mutex<[HTTPAddress: Answer]>([:])

    init(addresses: [HTTPAddress], client: UpstreamClient, clock: any TimeSource, logger: Logger) {
        self.addresses = addresses
        self.client = client
        self.clock = clock
        self.logger = logger
    }

    /// What is known, from memory: entries live as long as they would in the services themselves.
    func cells() -> (cells: [CellInfo], problem: String?) {
        let now = clock.now
        let answers = self.answers.withLock { $0 }
        let fresh = addresses.compactMap { answers[$0] }.filter { answer in
            answer.heardAt.map { now - $0 < Registry.expiry } ?? false
        }
        let problems = addresses.compactMap { address -> String? in
            (answers[address] ?? Answer()).problem.map { "the discovery service at \(address) cannot be used: \($0)" }
        }
        return (fresh.flatMap(\.cells), problems.isEmpty ? nil : problems.joined(separator: "; "))
    }

    /// Runs until cancelled. One service that hangs delays no other.
    func run() async {
        await withDiscardingTaskGroup { group in
            for address in addresses { group.addTask { await self.follow(address) } }
        }
    }

    private func follow(_ address: HTTPAddress) async {
        let client = RegistryClient(endpoint: PeerEndpoint(address: address, tier: .kith), upstream: client)
        while !Task.isCancelled {
            do {
                let cells = try await client.cells()
                answers.withLock { $0[address] = Answer(cells: cells, heardAt: clock.now, problem: nil) }
            } catch is CancellationError {
                return
            } catch {
                let reason = (error as? ChatError)?.message ?? "\(error)"
                answers.withLock { $0[address, default: Answer()].problem = reason }
            }
            do { try await clock.sleep(for: Self.pause) } catch { return }
        }
    }
}
