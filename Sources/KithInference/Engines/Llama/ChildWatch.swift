// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import KithTransport
import NIOHTTP1
import Subprocess
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Watches one running child: reads what it prints, notices when it is ready, and checks whether it still answers.
final class ChildWatch: Sendable {
    private let readiness: LlamaLaunch.Readiness
    private let limits: LlamaLimits
    private let clock: any TimeSource
    private let health: any LlamaHealthChecking
    private let key: Secret
    private let onReady: @Sendable (HTTPAddress) -> Void
    private let address = Mutex<HTTPAddress?>(nil)

    init(
        readiness: LlamaLaunch.Readiness, limits: LlamaLimits, clock: any TimeSource, health: any LlamaHealthChecking,
        key: Secret, onReady: @escaping @Sendable (HTTPAddress) -> Void
    ) {
        self.readiness = readiness
        self.limits = limits
        self.clock = clock
        self.health = health
        self.key = key
        self.onReady = onReady
    }

    /// Returns when the child has closed its standard error, which it does at its end.
    ///
    /// - Throws: `ChatError` when the child is not ready in time, no longer answers, or hangs at its end.
    func attend(
        output: SubprocessOutputSequence, errors: SubprocessOutputSequence, logFile: String
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.keep(errors, in: logFile) }
            group.addTask {
                try await self.watch(output)
                // The end of its output may still be on its way.
                try await self.clock.sleep(until: self.clock.now + self.limits.stop, tolerance: nil)
                throw ChatError(.interrupted, "it closed its output and did not end")
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Until the output ends, or the child has to be given up.
    private func watch(_ output: SubprocessOutputSequence) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.read(output) }
            group.addTask { try await self.look() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func keep(_ errors: SubprocessOutputSequence, in logFile: String) async throws {
        var log = try RotatingLog(path: logFile)
        do {
            for try await buffer in errors {
                // A full disk must not stop the engine: what cannot be written is dropped.
                buffer.withUnsafeBytes { bytes in _ = try? log.write(bytes) }
            }
        } catch {
            try log.close()
            throw error
        }
        try log.close()
    }

    private func read(_ output: SubprocessOutputSequence) async throws {
        var announcement = LaunchAnnouncement()
        for try await buffer in output {
            guard case .announced = readiness else { continue }
            let found = buffer.withUnsafeBytes { announcement.feed($0) }
            if let found { becomeReady(found) }
        }
    }

    private func becomeReady(_ found: HTTPAddress) {
        let isFirst = address.withLock { address in
            defer { address = found }
            return address == nil
        }
        if isFirst { onReady(found) }
    }

    private func look() async throws {
        let deadline = clock.now + limits.ready
        while address.withLock({ $0 }) == nil {
            guard clock.now < deadline else {
                throw ChatError(.timeout, "it was not ready within \(Int(limits.ready.seconds)) s")
            }
            if case .polled(let candidate) = readiness, await health.isHealthy(candidate, key: key) {
                becomeReady(candidate)
            } else {
                try await clock.sleep(until: clock.now + limits.readyPoll, tolerance: nil)
            }
        }
        try await lookAgainAndAgain()
    }

    private func lookAgainAndAgain() async throws {
        var failures = 0
        while let address = address.withLock({ $0 }) {
            try await clock.sleep(until: clock.now + limits.healthInterval, tolerance: nil)
            failures = await health.isHealthy(address, key: key) ? 0 : failures + 1
            guard failures < limits.healthFailures else {
                throw ChatError(.timeout, "it did not answer \(failures) health checks one after the other")
            }
        }
    }
}

/// Finds the line with which the launcher says where its server listens, wherever the pieces were cut.
struct LaunchAnnouncement: Sendable {
    private struct Line: Decodable { var address: String }

    private static let limit = 64 << 10

    private var pending: [UInt8] = []

    /// - Returns: The address, once. Only loopback counts: no line may send prompts elsewhere.
    mutating func feed(_ bytes: some Collection<UInt8>) -> HTTPAddress? {
        pending.append(contentsOf: bytes)
        while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
            let line = Data(pending[..<end])
            pending.removeSubrange(...end)
            // Other lines do not matter here.
            guard let text = (try? JSONDecoder().decode(Line.self, from: line))?.address,
                let address = HTTPAddress(text), address.host == "127.0.0.1"
            else { continue }
            pending = []
            return address
        }
        if pending.count > Self.limit { pending.removeFirst(pending.count - Self.limit) }
        return nil
    }
}

/// Asks a server whether it could answer a prompt.
package protocol LlamaHealthChecking: Sendable {
    /// Returns within two seconds, also when the server hangs.
    func isHealthy(_ address: HTTPAddress, key: Secret) async -> Bool
}

/// Asks llama.cpp's `/health`, which answers 503 while the model is loading.
package struct LlamaHealthProbe: LlamaHealthChecking {
    static let limits = UpstreamLimits(
        connect: .seconds(1), firstByte: .milliseconds(1_500), stall: .milliseconds(500), bodyBytes: 64 << 10)

    private let client: UpstreamClient

    package init(client: UpstreamClient) { self.client = client }

    package func isHealthy(_ address: HTTPAddress, key: Secret) async -> Bool {
        do {
            let headers: HTTPHeaders = ["Authorization": "Bearer \(key.reveal())"]
            return try await client.collect(
                UpstreamRequest(.GET, address, path: "/health", headers: headers, limits: Self.limits)
            ).status == 200
        } catch {
            return false
        }
    }
}
