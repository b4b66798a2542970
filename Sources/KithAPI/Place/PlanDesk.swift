// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Synchronization

/// Has one plan made at a time, however many ask: each takes work for every model of every machine.
final class PlanDesk: Sendable {
    /// A plan is good for so long.
    private static let freshness = Duration.seconds(1)

    private struct State {
        var number = 0
        var making: (number: Int, wanted: ModelID?, task: Task<PlaceMessage.Plan, any Error>)?
        var last: (wanted: ModelID?, at: MonotonicInstant, plan: PlaceMessage.Plan)?
    }

    private enum Turn {
        case made(PlaceMessage.Plan)
        case making(Task<PlaceMessage.Plan, any Error>)
        /// Another one is being made.
        case waiting(Task<PlaceMessage.Plan, any Error>)
    }

    private let state = Mutex(State())

    /// - Parameters:
    ///   - wanted: The only model that is meant; `nil` for all.
    ///   - make: Makes the plan, unless it is being made, or was made within the last second.
    func plan(
        of wanted: ModelID?, clock: any TimeSource, make: @escaping @Sendable () async throws -> PlaceMessage.Plan
    ) async throws -> PlaceMessage.Plan {
        while true {
            try Task.checkCancellation()
            switch turn(of: wanted, clock, make) {
            case .made(let plan): return plan
            case .making(let task): return try await task.value
            case .waiting(let task): _ = await task.result
            }
        }
    }

    private func turn(
        of wanted: ModelID?, _ clock: any TimeSource, _ make: @escaping @Sendable () async throws -> PlaceMessage.Plan
    ) -> Turn {
        state.withLock { state in
            if let making = state.making {
                return making.wanted == wanted ? .making(making.task) : .waiting(making.task)
            }
            if let last = state.last, last.wanted == wanted, clock.now - last.at < Self.freshness {
                return .made(last.plan)
            }
            state.number += 1
            // Shared by all who ask meanwhile, and so nobody's child; it ends with the time that kin have to answer.
            let task = Task { [number = state.number] in
                let result: Result<PlaceMessage.Plan, any Error>
                do { result = .success(try await make()) } catch { result = .failure(error) }
                self.made(result, number, wanted, at: clock.now)
                return try result.get()
            }
            state.making = (state.number, wanted, task)
            return .making(task)
        }
    }

    private func made(
        _ result: Result<PlaceMessage.Plan, any Error>, _ number: Int, _ wanted: ModelID?, at now: MonotonicInstant
    ) {
        state.withLock { state in
            if state.making?.number == number { state.making = nil }
            if case .success(let plan) = result { state.last = (wanted, now, plan) }
        }
    }
}
