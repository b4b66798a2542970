// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import KithTransport
package import Logging
import NIOCore
import NIOHTTP1
import Synchronization

/// Asks the ports of `config/hosts.yaml` whether a cell answers there, enters those that do into the registry, and tells
/// them of this node as the seeds' discovery service does.
///
/// Each port is asked by a task of its own, so that one that hangs delays no other.
package final class HostsProber: Sendable {
    /// A cell that answers is asked again well before its entry expires, however long the two questions take.
    package static let heartbeat = Duration.seconds(5)
    private static let longestQuestion = Duration.seconds(5)
    private static let longestIntroduction = Duration.seconds(3)
    private static let bodyLimit = 64 << 10

    private let targets: [HostsFile.Target]
    private let interval: Duration
    private let timeout: Duration
    private let registry: RegistryService
    private let upstream: UpstreamClient
    private let clock: any TimeSource
    private let logger: Logger
    private let ownCell: @Sendable () -> CellInfo
    private let claims = Mutex(HostsClaims())

    /// - Parameters:
    ///   - rules: Which addresses the file may lead to.
    ///   - ownCell: What cells are told of this node, asked again each time because its level changes.
    package init(
        hosts: HostsFile, rules: RegistryAddressRules = RegistryAddressRules(), registry: RegistryService,
        upstream: UpstreamClient, clock: any TimeSource = MonotonicClock(), logger: Logger,
        ownCell: @escaping @Sendable () -> CellInfo
    ) {
        let (targets, problems) = hosts.targets(rules)
        for problem in hosts.problems + problems {
            logger.warning("problem in the list of hosts", metadata: ["problem": "\(problem)"])
        }
        self.targets = targets
        interval = hosts.interval
        timeout = hosts.timeout
        self.registry = registry
        self.upstream = upstream
        self.clock = clock
        self.logger = logger
        self.ownCell = ownCell
    }

    /// Asks until the task is cancelled.
    package func run() async {
        await withDiscardingTaskGroup { group in
            for (index, target) in targets.enumerated() {
                group.addTask { await self.follow(target, index) }
            }
        }
    }

    private func follow(_ target: HostsFile.Target, _ index: Int) async {
        var known: CellInfo?
        var heardAt: MonotonicInstant?
        while !Task.isCancelled {
            let found = await ask(target, within: known == nil ? timeout : min(timeout, Self.longestQuestion))
            guard !Task.isCancelled else { return }
            if let found {
                heardAt = clock.now
                enter(found, known: known, index, at: target)
                await introduce(to: target)
            }
            if found?.cellID != known?.cellID { note(found, at: target) }
            known = found
            // One that missed a question may only have been busy.
            let isLively = heardAt.map { clock.now - $0 < Registry.expiry } ?? false
            do { try await clock.sleep(for: isLively ? Self.heartbeat : interval) } catch { return }
        }
    }

    /// - Returns: The cell that answers; `nil` also for this node itself.
    private func ask(_ target: HostsFile.Target, within timeout: Duration) async -> CellInfo? {
        let request = UpstreamRequest(
            .GET, target.address, path: "/health",
            limits: UpstreamLimits(connect: timeout, within: timeout, bodyBytes: Self.bodyLimit))
        guard let reply = try? await upstream.collect(request), reply.status == 200,
            let cell = CellInfo(health: reply.body.readableBytesView, from: target), cell.cellID != ownCell().cellID
        else { return nil }
        return cell
    }

    /// The entry of a cell that has registered itself stays as the cell made it.
    private func enter(_ cell: CellInfo, known: CellInfo?, _ index: Int, at target: HostsFile.Target) {
        let now = clock.now
        guard claims.withLock({ $0.claim(cell.cellID, by: index, at: now) }) else { return }
        var same = cell
        same.level = known?.level ?? 0
        if same == known {
            let refusal = registry.change(.heartbeat) {
                $0.heartbeat(cell.cellID, level: cell.level, by: .probe, at: $1, wall: $2)
            }
            guard case .unknown = refusal else { return }
        }
        let refusal = registry.change(.entries) { $0.register(cell, by: .probe, at: $1, wall: $2) }
        guard let refusal, cell.cellID != known?.cellID else { return }
        logger.debug(
            "cell not entered",
            metadata: ["address": "\(target.address)", "reason": "\(refusal.message)"])
    }

    /// Not every cell accepts this, and what it does with it is its own matter.
    private func introduce(to target: HostsFile.Target) async {
        var cell = ownCell()
        if let service = cell.kith?.service, !cell.services.contains(service) { cell.services.append(service) }
        let client = RegistryClient(
            endpoint: PeerEndpoint(address: target.address, tier: .kith), upstream: upstream,
            limit: min(timeout, Self.longestIntroduction))
        do {
            try await client.register(cell)
        } catch {
            logger.debug(
                "cell not told of this node", metadata: ["address": "\(target.address)", "reason": "\(error)"])
        }
    }

    private func note(_ found: CellInfo?, at target: HostsFile.Target) {
        guard let found else {
            logger.info("cell does not answer", metadata: ["address": "\(target.address)"])
            return
        }
        logger.info(
            "cell found", metadata: ["cell": "\(found.cellID)", "address": "\(target.address)"])
    }
}

/// Which of several ports that answer with the same id is the cell's: the one that stands first in the file, for as long
/// as it answers. A pure value.
struct HostsClaims {
    private struct Claim {
        var index: Int
        var until: MonotonicInstant
    }

    private var claims: [String: Claim] = [:]

    /// - Parameter index: of the port in the file.
    /// - Returns: Whether the id is that port's now.
    mutating func claim(_ id: String, by index: Int, at now: MonotonicInstant) -> Bool {
        claims = claims.filter { now < $0.value.until }
        if let holder = claims[id], holder.index < index { return false }
        claims[id] = Claim(index: index, until: now + Registry.expiry)
        return true
    }
}
