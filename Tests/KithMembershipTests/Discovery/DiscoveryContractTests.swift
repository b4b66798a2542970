// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import KithTesting
import Testing

@Suite("The contract of discovery")
struct DiscoveryContractTests {
    @Test("A peers file reports at its start")
    func fileStart() async throws { try await DiscoveryConformance(PeersFileSubject()).reportsAtStart() }

    @Test("A peers file reports what comes and goes")
    func fileChanges() async throws { try await DiscoveryConformance(PeersFileSubject()).reportsChanges() }

    @Test("A peers file is no longer watched after the end")
    func fileEnd() async throws { try await DiscoveryConformance(PeersFileSubject()).endsWhenCancelled() }

    @Test("A peers file that cannot be read is a problem, and what it said stays")
    func fileBreaks() async throws { try await DiscoveryConformance(PeersFileSubject()).survivesBreaking() }

    @Test("A peers file suggests no more than is allowed")
    func fileBound() async throws { try await DiscoveryConformance(PeersFileSubject()).isBounded() }

    @Test("A peers file is used amid rubbish", arguments: 1...5 as ClosedRange<UInt64>)
    func fileRubbish(seed: UInt64) async throws {
        print("seed \(seed)")
        try await DiscoveryConformance(PeersFileSubject()).survivesRubbish(seed: seed)
    }

    @Test("Remembered addresses are reported at the start")
    func rememberedStart() async throws { try await DiscoveryConformance(RememberedSubject()).reportsAtStart() }

    @Test("Remembered addresses are reported as they change")
    func rememberedChanges() async throws { try await DiscoveryConformance(RememberedSubject()).reportsChanges() }

    @Test("Remembered addresses are not reported after the end")
    func rememberedEnd() async throws { try await DiscoveryConformance(RememberedSubject()).endsWhenCancelled() }

    @Test("No more addresses are remembered than is allowed, and none twice")
    func rememberedBound() async throws { try await DiscoveryConformance(RememberedSubject()).isBounded() }

    @Test("Remembered addresses in any number and order are used", arguments: 1...3 as ClosedRange<UInt64>)
    func rememberedRubbish(seed: UInt64) async throws {
        print("seed \(seed)")
        try await DiscoveryConformance(RememberedSubject()).survivesRubbish(seed: seed)
    }

    @Test("The environment is reported at the start")
    func environmentStart() async throws { try await DiscoveryConformance(EnvironmentSubject()).reportsAtStart() }

    @Test("The environment is not reported after the end")
    func environmentEnd() async throws { try await DiscoveryConformance(EnvironmentSubject()).endsWhenCancelled() }

    @Test("The environment is used amid rubbish", arguments: 1...5 as ClosedRange<UInt64>)
    func environmentRubbish(seed: UInt64) async throws {
        print("seed \(seed)")
        try await DiscoveryConformance(EnvironmentSubject()).survivesRubbish(seed: seed)
    }

    @Test("A report holds each address once, the first that claims an id, and no more than is allowed")
    func report() throws {
        let named = try Suggestion(address: #require(.init("a:1")), id: TestID.make(1))
        let plain = try Suggestion(address: #require(.init("a:1")))
        #expect(DiscoveryReport(suggestions: [plain, named]).suggestions == [named])
        let other = try Suggestion(address: #require(.init("a:1")), id: TestID.make(2))
        #expect(DiscoveryReport(suggestions: [named, other]).suggestions == [named])
        let long = DiscoveryReport(problems: Array(repeating: String(repeating: "é", count: 500), count: 50))
        #expect(long.problems.count == DiscoveryReport.maximumProblems)
        #expect(long.problems.allSatisfy { $0.utf8.count <= DiscoveryReport.maximumProblemLength + 3 })
    }
}
