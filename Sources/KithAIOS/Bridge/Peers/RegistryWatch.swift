// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTransport
import Logging
import Synchronization

/// Asks discovery services which cells there are, and keeps what they said last.
final class RegistryWatch: Sendable {
    static let pause = Duration.seconds(5)

    private struct Answer: Sendable {
        var cells: [CellInfo] = []
        var heardAt: Moment?
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
                let reason = (error as? ChatFailure)?.message ?? "\(error)"
                answers.withLock { $0[address, default: Answer()].problem = reason }
            }
            do { try await clock.sleep(for: Self.pause) } catch { return }
        }
    }
}
