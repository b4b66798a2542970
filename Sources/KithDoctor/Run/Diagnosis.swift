// SPDX-License-Identifier: Apache-2.0

import Dispatch
import KithModel
import Synchronization

/// One thing to look at, independent of all others.
protocol Diagnosis: Sendable {
    var check: CheckID { get }
    var title: String { get }
    var subject: String? { get }
    /// The time after which it is given up and reported as not done.
    var limit: Duration { get }

    /// Never throws: a failure is a finding. Must end soon after the task is cancelled.
    func run() async -> [Finding]
}

extension Diagnosis {
    var subject: String? { nil }
    var limit: Duration { .seconds(3) }
}

/// A diagnosis that needs nothing but what is known already.
struct KnownFindings: Diagnosis {
    let check: CheckID
    let title: String
    let findings: [Finding]

    init(_ check: CheckID, _ title: String, _ findings: [Finding]) {
        self.check = check
        self.title = title
        self.findings = findings
    }

    func run() async -> [Finding] { findings }
}

/// Carries out many diagnoses at once, each within its own limit and all together within ``limit``.
struct DiagnosisRun: Sendable {
    struct Chapter: Sendable {
        var title: String
        var diagnoses: [any Diagnosis]

        init(_ title: String, _ diagnoses: [any Diagnosis]) {
            self.title = title
            self.diagnoses = diagnoses
        }
    }

    /// Most diagnoses under way at once; nearly all of them wait for the network.
    static let concurrency = 24

    let limit: Duration
    let clock: any TimeSource

    /// - Returns: The findings in the order of the chapters, whichever ended first.
    func run(_ chapters: [Chapter]) async -> [DoctorReport.Section] {
        let deadline = clock.now + limit
        let work = chapters.enumerated().flatMap { number, chapter in chapter.diagnoses.map { (number, $0) } }
        var found: [Int: [Finding]] = [:]
        await withTaskGroup(of: (Int, [Finding]).self) { group in
            for (place, item) in work.enumerated() {
                if place >= Self.concurrency, let (done, findings) = await group.next() { found[done] = findings }
                group.addTask { (place, await findings(of: item.1, until: deadline)) }
            }
            for await (place, findings) in group { found[place] = findings }
        }
        return chapters.enumerated().map { number, chapter in
            let places = work.indices.filter { work[$0].0 == number }
            return DoctorReport.Section(chapter.title, places.flatMap { found[$0] ?? [] })
        }
    }

    private func findings(of diagnosis: any Diagnosis, until deadline: MonotonicInstant) async -> [Finding] {
        let now = clock.now
        let limit = min(diagnosis.limit, deadline - now)
        guard limit > .zero else { return [unfinished(diagnosis, "there was no time left for it")] }
        do {
            return try await withDeadline(now + limit, clock: clock) { await diagnosis.run() }
        } catch {
            return [unfinished(diagnosis, "it took longer than \(limit.shortText)")]
        }
    }

    private func unfinished(_ diagnosis: any Diagnosis, _ why: String) -> Finding {
        Finding(
            diagnosis.check, diagnosis.title, .skipped, "not found out: \(why)", of: diagnosis.subject)
    }
}

extension Duration {
    /// `< 0.1 ms`, `0.4 ms`, `12 ms`, `1.5 s`.
    package var shortText: String {
        let milliseconds = self.milliseconds
        switch milliseconds {
        case ..<0.05: return "< 0.1 ms"
        case ..<10: return "\((milliseconds * 10).rounded() / 10) ms"
        case ..<1_000: return "\(Int(milliseconds.rounded())) ms"
        case ..<1e9:
            let tenths = Int((milliseconds / 100).rounded())
            return tenths % 10 == 0 ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
        default: return "ages"
        }
    }
}

/// Runs what blocks and cannot be interrupted, such as the system's resolver.
package enum OffThread {
    /// - Returns: `nil` when the limit came first; the work then ends by itself, and its result is dropped.
    package static func run<Value: Sendable>(
        limit: Duration, _ work: @escaping @Sendable () -> Value
    ) async -> Value? {
        let box = Box<Value>()
        return await withCheckedContinuation { continuation in
            box.waiting.withLock { $0 = continuation }
            let queue = DispatchQueue.global()
            queue.async { box.end(work()) }
            queue.asyncAfter(deadline: .now() + .milliseconds(Int(limit.milliseconds.rounded(.up)))) { box.end(nil) }
        }
    }

    /// The first to end it wins.
    private final class Box<Value: Sendable>: Sendable {
        let waiting = Mutex<CheckedContinuation<Value?, Never>?>(nil)

        func end(_ value: Value?) {
            let continuation = waiting.withLock { waiting in
                defer { waiting = nil }
                return waiting
            }
            continuation?.resume(returning: value)
        }
    }
}
