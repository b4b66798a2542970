// SPDX-License-Identifier: Apache-2.0

import KithCommand
import UnixSignals

/// Lets Ctrl-C and a polite kill end a command's work in order.
enum Interruption {
    private enum End: Sendable {
        case done
        case interrupted
    }

    /// Runs `work` and cancels it when the process is told to stop.
    ///
    /// - Throws: What `work` throws; ``CommandFailure`` with `interrupted` when it was told to stop.
    static func cancelling(_ work: @escaping @Sendable () async throws -> Void) async throws {
        let signals = await UnixSignalsSequence(trapping: [.sigint, .sigterm])
        try await withThrowingTaskGroup(of: End.self) { group in
            group.addTask {
                try await work()
                return .done
            }
            group.addTask {
                for await _ in signals { return .interrupted }
                try await Task.sleep(for: .seconds(86_400 * 365))  // only the end of the work ends this command
                return .interrupted
            }
            defer { group.cancelAll() }
            guard let end = try await group.next() else { return }
            if end == .interrupted { throw CommandFailure(.interrupted) }
        }
    }
}
