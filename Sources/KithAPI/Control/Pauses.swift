// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import KithPeers
import Synchronization

/// Why a node leaves new prompts to other machines: its owner said so, or uses it for something else. A pure value.
package struct PauseCauses: Hashable, Sendable {
    private enum Wish: Hashable, Sendable {
        /// → paused
        case none
        /// Until it is ended or that moment comes. → none
        case paused(until: MonotonicInstant?)
    }

    private var wish = Wish.none
    /// Of those for which the owner wants the machine to be free, those that run.
    private var running: Set<String> = []
    /// Those that ran when the owner wanted prompts all the same; forgotten when they end.
    private var overruled: Set<String> = []

    package init() {}

    package mutating func pause(until moment: MonotonicInstant?) { wish = .paused(until: moment) }

    /// Takes prompts again, also beside the programs that run now.
    package mutating func end() {
        wish = .none
        overruled = running
    }

    /// - Parameter programs: Those that run of the ones that the owner named.
    package mutating func found(_ programs: Set<String>) {
        running = programs
        overruled.formIntersection(programs)
    }

    package mutating func expire(now: MonotonicInstant) {
        if case .paused(let until?) = wish, now >= until { wish = .none }
    }

    /// When the owner's pause ends by itself.
    package var ends: MonotonicInstant? { if case .paused(let until) = wish { until } else { nil } }

    /// In words that complete "paused: …"; `nil` where nothing keeps the node from prompts.
    package var reason: String? {
        if wish != .none { return "asked by the owner" }
        let programs = running.subtracting(overruled).sorted()
        return programs.isEmpty ? nil : "\(programs.joined(separator: ", ")) \(programs.count == 1 ? "runs" : "run")"
    }
}

/// Keeps the causes, and tells the mesh.
package final class Pauses: Sendable {
    /// How often programs are looked for, and a pause that has a limit is ended at the latest.
    package static let interval = Duration.seconds(2)

    private let mesh: PeerDirectory
    private let clock: any TimeSource
    private let causes = Mutex(PauseCauses())
    private let (changes, changed) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    package init(mesh: PeerDirectory, clock: any TimeSource) {
        self.mesh = mesh
        self.clock = clock
    }

    /// What holds now.
    package var current: PauseCauses { causes.withLock { $0 } }

    /// Tells the mesh where it makes a difference.
    package func change(_ change: (inout PauseCauses) -> Void) {
        causes.withLock { causes in
            let before = causes.reason
            change(&causes)
            causes.expire(now: clock.now)
            guard causes.reason != before else { return }
            mesh.setDraining(causes.reason != nil, reason: causes.reason ?? "ended")
        }
        changed.yield()
    }

    /// Runs until cancelled. Wakes now and then only where there are programs to look for, or a pause that has a limit.
    ///
    /// - Parameter look: Which of the programs run that the owner named; `nil` where none are named.
    package func run(_ look: (@Sendable () -> Set<String>)?) async {
        guard let look else {
            for await _ in changes where current.ends != nil {
                do { try await clock.sleep(forAbout: Self.interval) } catch { return }
                change { _ in }
            }
            return
        }
        while !Task.isCancelled {
            let programs = look()
            change { $0.found(programs) }
            do { try await clock.sleep(forAbout: Self.interval) } catch { return }
        }
    }
}
