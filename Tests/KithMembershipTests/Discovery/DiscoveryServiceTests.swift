// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import KithTesting
import Synchronization
import Testing

@Suite("Discovery service")
struct DiscoveryServiceTests {
    /// Reports once and then does nothing, or never reports.
    private struct Fixed: Discovery {
        var source: DiscoverySource
        var report: DiscoveryReport?

        func run(_ tell: @escaping @Sendable (DiscoveryReport) -> Void) async {
            if let report { tell(report) }
            let (never, _) = AsyncStream.makeStream(of: Never.self)
            for await _ in never {}
        }
    }

    @Test("A source that hangs hides nothing of the others, and all end with the service")
    func hanging() async throws {
        let address = try #require(PeerAddress("a:1"))
        let changes = Mutex(0)
        let service = DiscoveryService(
            [
                Fixed(source: .registry),
                Fixed(source: .file, report: DiscoveryReport(suggestions: [Suggestion(address: address)])),
                Fixed(source: .mdns, report: DiscoveryReport(problems: ["no daemon"])),
            ], ownID: nil, clock: ManualClock()
        ) { changes.withLock { $0 += 1 } }
        let run = Task { await service.run() }
        while changes.withLock({ $0 }) < 2 { await Task.yield() }
        #expect(service.suggestions().flatMap(\.addresses).map(\.address) == [address])
        #expect(service.problems().map(\.text) == ["no daemon"])
        run.cancel()
        await run.value
    }

    @Test("What is gone is forgotten in time, and that is told")
    func expiry() async throws {
        let clock = ManualClock()
        let address = try #require(PeerAddress("a:1"))
        let (changes, told) = AsyncStream.makeStream(of: Void.self)
        struct Brief: Discovery {
            let address: PeerAddress
            let source = DiscoverySource.mdns

            func run(_ report: @escaping @Sendable (DiscoveryReport) -> Void) async {
                report(DiscoveryReport(suggestions: [Suggestion(address: address)]))
                report(DiscoveryReport())
            }
        }
        let service = DiscoveryService([Brief(address: address)], ownID: nil, clock: clock) { told.yield() }
        let run = Task { await service.run() }
        var iterator = changes.makeAsyncIterator()
        await iterator.next()
        await iterator.next()
        #expect(service.suggestions().first?.addresses.first?.goneFor == .zero)
        while clock.sleeperCount == 0 { await Task.yield() }
        clock.advance(by: SuggestionStore.linger)
        await iterator.next()
        #expect(service.suggestions().isEmpty)
        run.cancel()
        await run.value
    }
}
