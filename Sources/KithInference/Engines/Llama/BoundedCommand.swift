// SPDX-License-Identifier: Apache-2.0

import KithModel
import Subprocess
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Runs a command to its end within a time limit, and keeps the end of its output.
package struct BoundedCommand: Sendable {
    package struct Outcome: Sendable {
        package var succeeded: Bool
        /// The end of standard output and standard error together.
        package var output: String
    }

    private static let keptBytes = 16 << 10

    /// A path, or a name to be looked up on `PATH`.
    var executable: String
    var arguments: [String]
    var environment: Environment
    var limit: Duration

    init(executable: String, arguments: [String], environment: Environment, limit: Duration) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.limit = limit
    }

    /// A command that may know what this process knows but for its secrets, and `additions`.
    package init(executable: String, arguments: [String], additions: [String: String], limit: Duration) {
        self.init(
            executable: executable, arguments: arguments, environment: ChildEnvironment.withoutSecrets(additions),
            limit: limit)
    }

    /// - Throws: `DeadlineExceeded`; `SubprocessError` when the command cannot be started; `CancellationError`.
    package func run() async throws -> Outcome {
        let clock = MonotonicClock()
        return try await withDeadline(clock.now + limit, clock: clock) { try await runWithoutLimit() }
    }

    private func runWithoutLimit() async throws -> Outcome {
        var options = PlatformOptions()
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(3))]
        let result = try await Subprocess.run(
            executable.contains("/") ? .path(FilePath(executable)) : .name(executable),
            arguments: Arguments(arguments), environment: environment, platformOptions: options, input: .none,
            output: .sequence, error: .combinedWithOutput
        ) { execution in
            var kept: [UInt8] = []
            for try await buffer in execution.standardOutput {
                buffer.withUnsafeBytes { kept.append(contentsOf: $0) }
                if kept.count > 2 * Self.keptBytes { kept.removeFirst(kept.count - Self.keptBytes) }
            }
            return kept
        }
        return Outcome(
            succeeded: result.terminationStatus.isSuccess,
            output: String(decoding: result.closureResult, as: UTF8.self))
    }
}

/// What a child process may know of this process's environment.
enum ChildEnvironment {
    /// Everything but secrets: a child needs paths, proxies and hardware settings, never keys.
    static func withoutSecrets(_ additions: [String: String] = [:]) -> Environment {
        let kept = ProcessInfo.processInfo.environment.filter { !isSecret($0.key) }
        return .custom(
            Dictionary(
                uniqueKeysWithValues: kept.merging(additions) { $1 }.compactMap { name, value in
                    Environment.Key(rawValue: name).map { ($0, value) }
                }))
    }

    static func isSecret(_ name: String) -> Bool {
        let name = name.uppercased()
        return ["KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL"].contains { name.contains($0) }
    }
}
