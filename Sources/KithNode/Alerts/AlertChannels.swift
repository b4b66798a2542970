// SPDX-License-Identifier: Apache-2.0

import KithAlerts
import KithInference
import KithModel
import KithTransport
import Logging
import NIOCore
import NIOHTTP1
import Synchronization

/// The ways in which a node tells people of alerts, beside its log and its events.
struct AlertChannels: Sendable {
    /// How long one message is tried, and how often in this time.
    struct Patience: Sendable {
        var limit = Duration.seconds(900)
        var backoff = Backoff(initial: .seconds(1), maximum: .seconds(60), jitter: 0.8...1.2)
    }

    private static let limits = UpstreamLimits(connect: .seconds(5), silence: .seconds(10), bodyBytes: 64 << 10)
    private static let commandLimit = Duration.seconds(10)
    /// Runs of the command in ``commandSpan``; more are left out.
    private static let commandCount = 60
    private static let commandSpan = Duration.seconds(3_600)

    private let command: [String]
    private let webhooks: [WebhookAddress]
    private let secret: (any SecretSource)?
    private let speaker: (id: NodeID, name: NodeName)
    private let client: UpstreamClient
    private let clock: any TimeSource
    private let patience: Patience
    private let logger: Logger
    private let runs = CommandRuns()

    init(
        _ settings: AlertSettings, secrets: (any SecretKeeper)?, speaker: (id: NodeID, name: NodeName),
        client: UpstreamClient, clock: any TimeSource, patience: Patience = Patience(), logger: Logger
    ) {
        command = settings.command
        webhooks = settings.webhooks
        secret = settings.secret?.source(from: secrets)
        self.speaker = speaker
        self.client = client
        self.clock = clock
        self.patience = patience
        self.logger = logger
    }

    var isEmpty: Bool { command.isEmpty && webhooks.isEmpty }

    /// Tells people through all channels at once, and returns when each has taken the message or was given up.
    ///
    /// - Parameter onOutcome: Called once: when the first channel has taken it, or the last was given up.
    func tell(_ notice: AlertNotice, onOutcome: @escaping @Sendable (_ isDelivered: Bool) async -> Void) async {
        await withTaskGroup(of: Bool.self) { group in
            if !command.isEmpty { group.addTask { await run(notice) } }
            for webhook in webhooks { group.addTask { await post(notice, to: webhook) } }
            var isDelivered = false
            for await success in group where success && !isDelivered {
                isDelivered = true
                await onOutcome(true)
            }
            if !isDelivered, !Task.isCancelled { await onOutcome(false) }
        }
    }

    // MARK: The command

    private func run(_ notice: AlertNotice) async -> Bool {
        guard let executable = command.first else { return false }
        guard runs.begin(at: clock.now, limit: Self.commandCount, in: Self.commandSpan) else {
            logger.warning("alert's command not run: too often in an hour", metadata: ["alert": "\(notice.id)"])
            return false
        }
        let additions = [
            "KITH_ALERT_ID": notice.id, "KITH_ALERT": notice.key.condition.rawValue,
            "KITH_ALERT_STATE": notice.phase.rawValue, "KITH_ALERT_SEVERITY": notice.severity.rawValue,
            "KITH_ALERT_SUBJECT": notice.name.rawValue, "KITH_ALERT_SUBJECT_ID": notice.key.subject.description,
            "KITH_ALERT_TEXT": notice.sentence, "KITH_ALERT_DETAIL": notice.detail,
            "KITH_ALERT_SINCE": notice.incident.rfc3339,
        ]
        do {
            let outcome = try await BoundedCommand(
                executable: executable, arguments: Array(command.dropFirst()), additions: additions,
                limit: Self.commandLimit
            ).run()
            if outcome.succeeded { return true }
            logger.warning("alert's command failed", metadata: ["output": "\(outcome.output.suffix(200))"])
        } catch {
            logger.warning("alert's command failed", metadata: ["reason": "\(error)"])
        }
        return false
    }

    // MARK: Webhooks

    private func post(_ notice: AlertNotice, to webhook: WebhookAddress) async -> Bool {
        guard let message = try? WebhookMessage(notice, speaker: speaker.id, named: speaker.name) else { return false }
        let deadline = clock.now + patience.limit
        var backoff = patience.backoff
        var lastProblem = ""
        while !Task.isCancelled {
            let problem = await attempt(message, at: webhook)
            guard let problem else { return true }
            if problem != lastProblem {
                logger.warning(
                    "webhook not told yet", metadata: ["webhook": "\(webhook.origin)", "reason": "\(problem)"])
                lastProblem = problem
            }
            let pause = backoff.next()
            guard clock.now + pause < deadline else { break }
            do { try await clock.sleep(for: pause) } catch { return false }
        }
        logger.error("webhook not told", metadata: ["webhook": "\(webhook.origin)", "alert": "\(notice.id)"])
        return false
    }

    /// - Returns: What went wrong; `nil` when the message was taken.
    private func attempt(_ message: WebhookMessage, at webhook: WebhookAddress) async -> String? {
        do {
            let secret = try secret?.current()
            let reply = try await client.collect(
                UpstreamRequest(
                    .POST, webhook.origin, path: webhook.path, headers: message.headers(secret: secret, now: .now()),
                    body: ByteBuffer(bytes: message.body), limits: Self.limits))
            return (200..<300).contains(reply.status) ? nil : "it answers with status \(reply.status)"
        } catch let error as SecretError {
            return error.message
        } catch let error as ChatError {
            return error.message
        } catch {
            return "\(error)"
        }
    }
}

/// When the command was run last, so that it is not run too often.
private final class CommandRuns: Sendable {
    private let moments = Mutex<[MonotonicInstant]>([])

    /// - Returns: Whether it may be run once more.
    func begin(at now: MonotonicInstant, limit: Int, in span: Duration) -> Bool {
        moments.withLock { moments in
            moments.removeAll { now - $0 > span }
            guard moments.count < limit else { return false }
            moments.append(now)
            return true
        }
    }
}
