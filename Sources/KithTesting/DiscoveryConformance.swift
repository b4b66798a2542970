// SPDX-License-Identifier: Apache-2.0

package import KithMembership
import KithModel
import Synchronization

/// A `Discovery` whose source a test controls.
package protocol DiscoverySubject: Sendable {
    var discovery: any Discovery { get }
    /// How many peers the source can name at once.
    var capacity: Int { get }

    /// Makes the source name peers with these ports, and no others.
    func name(_ ports: [Int]) async throws

    /// The same, among malformed entries that the generator spoils.
    func name(_ ports: [Int], amidRubbishFrom generator: inout SeededGenerator) async throws

    /// Makes the source unusable.
    func breakSource() async throws

    /// Makes it usable again; it names what it named before.
    func mendSource() async throws

    /// Lets a little time pass, if the subject's clock is a test's.
    func passTime() async
}

/// How a `Discovery` broke its contract.
package struct DiscoveryBreach: Error, CustomStringConvertible {
    package var description: String
}

/// What every conformer of `Discovery` is held to.
package struct DiscoveryConformance<Subject: DiscoverySubject>: Sendable {
    private let subject: Subject
    /// How long to wait for what must come.
    private let patience: Duration

    package init(_ subject: Subject, patience: Duration = .seconds(15)) {
        self.subject = subject
        self.patience = patience
    }

    /// It reports at its start, also when there is nothing.
    package func reportsAtStart() async throws {
        try await run { log in
            try await wait("a first report", log) { _ in true }
            guard log.all.first?.suggestions.isEmpty == true else {
                throw DiscoveryBreach(description: "something was suggested that nobody named")
            }
        }
    }

    /// It reports what comes and what goes.
    package func reportsChanges() async throws {
        try await run { log in
            try await subject.name([1001, 1002])
            try await wait("two peers", log) { $0.ports == [1001, 1002] }
            try await subject.name([1002, 1003])
            try await wait("one gone and one come", log) { $0.ports == [1002, 1003] }
            try await subject.name([])
            try await wait("nothing any more", log) { $0.ports.isEmpty }
        }
    }

    /// It ends when it is cancelled and not before, and says nothing after that.
    package func endsWhenCancelled() async throws {
        let log = DiscoveryLog()
        let hasEnded = DiscoveryEnd()
        let run = Task {
            await subject.discovery.run { log.add($0) }
            hasEnded.value.withLock { $0 = true }
        }
        try await wait("a first report", log) { _ in true }
        for _ in 0..<20 { await rest() }
        guard !hasEnded.value.withLock({ $0 }) else { throw DiscoveryBreach(description: "it ended by itself") }
        let clock = ContinuousClock()
        let start = clock.now
        run.cancel()
        await run.value
        guard clock.now - start < .seconds(2) else {
            throw DiscoveryBreach(description: "it took \(clock.now - start) to end")
        }
        let count = log.all.count
        try await subject.name([1001])
        for _ in 0..<20 { await rest() }
        guard log.all.count == count else { throw DiscoveryBreach(description: "it reported after its end") }
    }

    /// It says in words that its source is unusable, keeps what it knew, and clears the words.
    package func survivesBreaking() async throws {
        try await run { log in
            try await subject.name([1001])
            try await wait("a peer", log) { $0.ports == [1001] }
            try await subject.breakSource()
            try await wait("a problem", log) { !$0.problems.isEmpty }
            guard log.last?.ports == [1001] else {
                throw DiscoveryBreach(description: "what was known was given up when the source broke")
            }
            try await subject.mendSource()
            try await subject.name([1001, 1002])
            try await wait("no problem and two peers", log) { $0.problems.isEmpty && $0.ports == [1001, 1002] }
        }
    }

    /// It bounds what it suggests, and names no address twice.
    package func isBounded() async throws {
        try await run { log in
            let named = min(subject.capacity, DiscoveryReport.maximumSuggestions + 44)
            try await subject.name(Array(2_000..<2_000 + named))
            try await wait("as many as are allowed", log) {
                $0.ports.count == min(named, DiscoveryReport.maximumSuggestions)
            }
            for report in log.all where Set(report.suggestions.map(\.address)).count != report.suggestions.count {
                throw DiscoveryBreach(description: "an address was suggested twice")
            }
        }
    }

    /// It finds what is well formed amid what is not.
    package func survivesRubbish(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<4 {
            try await subject.name([1001], amidRubbishFrom: &generator)
            try await run { log in
                try await wait("the peer amid rubbish", log) { $0.ports.contains(1001) }
            }
        }
    }

    // MARK: Machinery

    private func run(_ body: (DiscoveryLog) async throws -> Void) async throws {
        let log = DiscoveryLog()
        let run = Task { await subject.discovery.run { log.add($0) } }
        do {
            try await body(log)
        } catch {
            run.cancel()
            await run.value
            throw error
        }
        run.cancel()
        await run.value
    }

    private func wait(
        _ what: String, _ log: DiscoveryLog, until isWanted: (DiscoveryReport) -> Bool
    ) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now + patience
        while clock.now < deadline {
            if let last = log.last, isWanted(last) { return }
            await rest()
        }
        let last = log.last.map { "\($0.ports.sorted().prefix(20)) and \($0.problems)" } ?? "nothing"
        throw DiscoveryBreach(description: "waited for \(what), and the last report was \(last)")
    }

    private func rest() async {
        await subject.passTime()
        do { try await Task.sleep(for: .milliseconds(5)) } catch {}  // the loop above sees to the end
    }
}

private final class DiscoveryEnd: Sendable {
    let value = Mutex(false)
}

/// What was reported so far.
private final class DiscoveryLog: Sendable {
    private let reports = Mutex<[DiscoveryReport]>([])

    var all: [DiscoveryReport] { reports.withLock { $0 } }
    var last: DiscoveryReport? { reports.withLock { $0.last } }

    func add(_ report: DiscoveryReport) { reports.withLock { $0.append(report) } }
}

extension DiscoveryReport {
    fileprivate var ports: Set<Int> { Set(suggestions.map(\.address.port)) }
}
