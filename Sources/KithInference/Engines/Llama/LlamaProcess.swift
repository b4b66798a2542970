// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import Logging
import ServiceLifecycle
import Subprocess
import Synchronization
import SystemPackage

/// The state of a supervised llama.cpp server.
package enum LlamaState: Hashable, Sendable {
    /// Not started, or the model is being loaded. Leaves to `ready` or `down`.
    case loading
    /// Leaves to `down` or `stopped`.
    case ready(HTTPAddress)
    /// Leaves to `loading` at the next attempt, or to `stopped`.
    case down(LlamaOutage)
    /// The node is stopping.
    case stopped
}

/// Why a server is down, and when it is tried again.
package struct LlamaOutage: Hashable, Sendable {
    package var reason: String
    /// Restarts since it last ran well.
    package var restarts: Int
    package var nextAttempt: MonotonicInstant

    package init(reason: String, restarts: Int, nextAttempt: MonotonicInstant) {
        self.reason = reason
        self.restarts = restarts
        self.nextAttempt = nextAttempt
    }
}

/// Keeps a llama.cpp server running as a child process: started, watched, started again with backoff, and stopped with
/// the node.
///
/// The child holds the other end of a pipe for as long as this process lives, and ends when that breaks, so that a node
/// killed without warning leaves nothing behind.
package final class LlamaProcess: Service {
    package let command: any LlamaCommand
    /// The key that the server requires. New with each start of the node, and passed to the child only in its
    /// environment: anybody can read a command line.
    let key = Secret.random()
    private let logFile: String
    private let health: any LlamaHealthChecking
    private let limits: LlamaLimits
    private let clock: any TimeSource
    private let logger: Logger
    private let box = LlamaStateBox()
    private let childID = Mutex<Int32?>(nil)
    /// Ends the child that runs now, to be started anew at once.
    private let anew = Mutex<Anew>(Anew())

    private struct Anew {
        var isWanted = false
        var end: (@Sendable () -> Void)?
        /// How often the server has gone down by itself, and why it did last.
        var outages = 0
        var reason = ""
    }

    package init(
        command: any LlamaCommand, logFile: String, health: any LlamaHealthChecking,
        limits: LlamaLimits = LlamaLimits(),
        clock: any TimeSource = MonotonicClock(), logger: Logger
    ) {
        self.command = command
        self.logFile = logFile
        self.health = health
        self.limits = limits
        self.clock = clock
        self.logger = logger
    }

    /// Where llama.cpp's own server looks for the key, and the launcher too.
    private static let keyVariable = "LLAMA_API_KEY"

    package var state: LlamaState { box.state }

    /// The process that runs now, for diagnosis.
    package var processID: Int32? { childID.withLock { $0 } }

    /// Waits until the server is ready.
    ///
    /// - Throws: `ChatError` with `noEngine` when it is not ready within `limit`; `CancellationError`.
    package func address(within limit: Duration) async throws -> HTTPAddress {
        do {
            return try await withDeadline(clock.now + limit, clock: clock) { try await self.nextReadyAddress() }
        } catch is DeadlineExceeded {
            throw notReady()
        }
    }

    private func nextReadyAddress() async throws -> HTTPAddress {
        while true {
            try Task.checkCancellation()
            let state = box.state
            switch state {
            case .ready(let address): return address
            case .stopped: throw notReady()
            case .loading, .down: await box.change(from: state)
            }
        }
    }

    private func notReady() -> ChatError {
        switch box.state {
        case .loading: ChatError(.noEngine, "the engine is still loading its model", retryAfter: .seconds(2))
        case .ready: ChatError(.noEngine, "the engine has only just become ready", retryAfter: .seconds(1))
        case .down(let outage):
            ChatError(
                .noEngine, "the engine is down: \(outage.reason)",
                retryAfter: max(.seconds(1), outage.nextAttempt - clock.now))
        case .stopped: ChatError(.noEngine, "the engine has been stopped")
        }
    }

    /// Ends the server, and starts it at once with what ``command`` says now.
    ///
    /// - Returns: The outages before that, for ``settled(after:within:)``.
    @discardableResult
    func startAnew() -> Int {
        let (end, outages) = anew.withLock { anew in
            anew.isWanted = true
            if box.state != .stopped { box.set(.loading) }
            return (anew.end, anew.outages)
        }
        end?()
        return outages
    }

    /// How often the server has gone down by itself.
    var outages: Int { anew.withLock { $0.outages } }

    /// Waits until the server is ready, or has gone down once more: nobody waits for the starts after that.
    ///
    /// - Throws: `ChatError`; `CancellationError`.
    func settled(after outages: Int, within limit: Duration) async throws {
        do {
            try await withDeadline(clock.now + limit, clock: clock) {
                while true {
                    try Task.checkCancellation()
                    let state = self.box.state
                    let reason = self.anew.withLock { $0.outages > outages ? $0.reason : nil }
                    if let reason { throw ChatError(.engineError, "the engine could not start with it: \(reason)") }
                    switch state {
                    case .ready: return
                    case .stopped: throw self.notReady()
                    case .loading, .down: await self.box.change(from: state)
                    }
                }
            }
        } catch is DeadlineExceeded {
            throw notReady()
        }
    }

    // MARK: Supervision

    /// Runs the server until the task is cancelled or the service is shut down.
    package func run() async throws {
        await cancelWhenGracefulShutdown { await self.supervise() }
    }

    private func supervise() async {
        var backoff = Backoff.ofRestarts
        var generator = SystemRandomNumberGenerator()
        while !Task.isCancelled {
            // From here on the command is asked for what it says now.
            anew.withLock { $0.isWanted = false }
            box.set(.loading)
            let end = await runOnce()
            guard !Task.isCancelled else { break }
            if anew.withLock({ $0.isWanted }) {
                backoff.reset()
                continue
            }
            let delay = backoff.next(afterReadyFor: end.readyFor, using: &generator)
            let outage = LlamaOutage(
                reason: end.reason, restarts: backoff.count, nextAttempt: clock.now + delay)
            logger.warning(
                "the engine ended and is started again",
                metadata: [
                    "reason": "\(end.reason)", "restarts": "\(backoff.count)", "delay_ms": "\(delay.milliseconds)",
                ])
            let isDown = anew.withLock { anew in
                guard !anew.isWanted else { return false }
                anew.outages += 1
                anew.reason = end.reason
                box.set(.down(outage))
                return true
            }
            if isDown { await pause(of: outage) }
        }
        box.set(.stopped)
    }

    /// Until the next attempt is due, or somebody wants the server started anew.
    private func pause(of outage: LlamaOutage) async {
        // However it ends: the loop asks whether it was cancelled.
        try? await withDeadline(outage.nextAttempt, clock: clock) {
            while self.box.state == .down(outage), !Task.isCancelled { await self.box.change(from: .down(outage)) }
        }
    }

    private struct End: Sendable {
        var reason: String
        var readyFor: Duration
    }

    private func runOnce() async -> End {
        let readySince = Mutex<MonotonicInstant?>(nil)
        var reason: String
        do {
            let launch = try await command.prepare()
            reason = try await runChild(launch) { address in
                readySince.withLock { $0 = self.clock.now }
                // One that is being ended for another is no longer waited for.
                self.anew.withLock { if !$0.isWanted { self.box.set(.ready(address)) } }
                // Without its path, which nobody else is to know.
                self.logger.info("the engine is ready", metadata: ["address": "\(address.host):\(address.port)"])
            }
        } catch let failure as ChatError {
            reason = failure.message
        } catch {
            reason = "it cannot be run: \(error)"
        }
        childID.withLock { $0 = nil }
        anew.withLock { $0.end = nil }
        return End(reason: reason, readyFor: readySince.withLock { $0.map { self.clock.now - $0 } ?? .zero })
    }

    /// - Returns: How the child ended.
    private func runChild(_ launch: LlamaLaunch, onReady: @escaping @Sendable (HTTPAddress) -> Void) async throws
        -> String
    {
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [.gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: limits.stop)]
        let result = try await Subprocess.run(
            .path(FilePath(launch.executable)), arguments: Arguments(launch.arguments),
            environment: ChildEnvironment.withoutSecrets([Self.keyVariable: key.reveal()]), platformOptions: options,
            input: .inputWriter,
            output: .sequence, error: .sequence
        ) { execution in
            childID.withLock { $0 = execution.processIdentifier.value }
            let isWanted = anew.withLock { anew in
                anew.end = { try? execution.send(signal: .terminate, toProcessGroup: true) }  // it may have just ended
                return anew.isWanted
            }
            if isWanted { try? execution.send(signal: .terminate, toProcessGroup: true) }
            let watch = ChildWatch(
                readiness: launch.readiness, limits: limits, clock: clock, health: health, key: key,
                onReady: onReady)
            // Not cancelled with this task: the output of a child that is being stopped is read to its end. This task
            // ends with the child, which the steps above ensure.
            try await Task {
                try await watch.attend(
                    output: execution.standardOutput, errors: execution.standardError, logFile: self.logFile)
            }.value
            anew.withLock { $0.end = nil }
            try Task.checkCancellation()
            // The child has ended, and what it started has to end too. If nothing is left to be signalled, that is no
            // failure.
            try? execution.send(signal: .kill, toProcessGroup: true)
        }
        return "it ended by itself (\(result.terminationStatus))"
    }
}

/// The state of a server: one task sets it, many read or await it.
final class LlamaStateBox: Sendable {
    private struct Contents {
        var state = LlamaState.loading
        var nextWaiter: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var cancelled: Set<UInt64> = []
    }

    private let contents = Mutex(Contents())

    var state: LlamaState { contents.withLock { $0.state } }

    func set(_ state: LlamaState) {
        let waiters = contents.withLock { contents in
            contents.state = state
            defer { contents.waiters = [:] }
            return contents.waiters.values
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when the state is no longer `old`, or the task is cancelled.
    func change(from old: LlamaState) async {
        let id = contents.withLock { contents in
            contents.nextWaiter += 1
            return contents.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mayGo = contents.withLock { contents in
                    if contents.cancelled.remove(id) != nil || contents.state != old { return true }
                    contents.waiters[id] = continuation
                    return false
                }
                if mayGo { continuation.resume() }
            }
        } onCancel: {
            let waiter = contents.withLock { contents in
                let waiter = contents.waiters.removeValue(forKey: id)
                if waiter == nil { contents.cancelled.insert(id) }
                return waiter
            }
            waiter?.resume()
        }
        contents.withLock { _ = $0.cancelled.remove(id) }
    }
}

/// How patient the supervisor of a llama.cpp server is.
package struct LlamaLimits: Hashable, Sendable {
    /// From the start until the server is ready.
    package var ready: Duration
    /// Between two checks of a server that is not ready yet.
    package var readyPoll: Duration
    /// Between two checks of a server that is ready.
    package var healthInterval: Duration
    /// Checks that fail in a row before the server is restarted.
    package var healthFailures: Int
    /// From SIGTERM to SIGKILL.
    package var stop: Duration

    package init(
        ready: Duration = .seconds(120), readyPoll: Duration = .milliseconds(200),
        healthInterval: Duration = .seconds(5), healthFailures: Int = 3, stop: Duration = .seconds(3)
    ) {
        self.ready = ready
        self.readyPoll = readyPoll
        self.healthInterval = healthInterval
        self.healthFailures = healthFailures
        self.stop = stop
    }
}

extension Backoff {
    /// Between the end of a server and its next start.
    package static let ofRestarts = Backoff(initial: .milliseconds(500), maximum: .seconds(30), jitter: 0.5...1)
    /// A server that was ready for this long ran well: its end counts as the first one again.
    private static let forgetAfter = Duration.seconds(60)

    /// - Parameter readyFor: How long the server was ready before it ended; zero when it never was.
    package mutating func next(
        afterReadyFor readyFor: Duration, using generator: inout some RandomNumberGenerator
    ) -> Duration {
        if readyFor >= Self.forgetAfter { reset() }
        return next(using: &generator)
    }
}

extension Secret {
    /// 256 random bits in hexadecimal digits.
    package static func random() -> Secret {
        var generator = SystemRandomNumberGenerator()
        var bits = ByteWriter()
        for _ in 0..<4 { bits.append(uint64: generator.next()) }
        return Secret(bits.bytes.hexadecimal)
    }
}
