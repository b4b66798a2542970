// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithAlerts
import KithDialects
import KithModel
import KithTesting
import KithTransport
import Logging
import NIOHTTP1
import Synchronization
import Testing

@testable import KithNode

@Suite("The channels by which people are told", .timeLimit(.minutes(1)))
struct AlertChannelsTests {
    private static func notice(_ phase: AlertNotice.Phase = .firing) throws -> AlertNotice {
        AlertNotice(
            key: AlertKey(.peerDown, try TestID.make(2)), phase: phase,
            incident: WallTime(milliseconds: 1_772_366_400_000),
            resolvedAt: phase == .resolved ? WallTime(milliseconds: 1_772_366_500_000) : nil,
            name: try #require(NodeName("laptop")), detail: "it is down")
    }

    private static func channels(
        _ settings: AlertSettings, clock: any TimeSource = MonotonicClock(), logger: Logger? = nil
    ) throws -> AlertChannels {
        var patience = AlertChannels.Patience()
        patience.backoff = Backoff(initial: .milliseconds(1), maximum: .milliseconds(2))
        return AlertChannels(
            settings, secrets: nil, speaker: (try TestID.make(1), try #require(NodeName("desk"))),
            client: UpstreamClient(), clock: clock, patience: patience,
            logger: logger ?? Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// - Returns: What was said of the message, each time.
    private static func tell(_ notice: AlertNotice, by channels: AlertChannels) async -> [Bool] {
        let outcomes = OutcomeLog()
        await channels.tell(notice) { await outcomes.add($0) }
        return await outcomes.all
    }

    private static func webhook(_ server: StubServer, _ path: String = "/hook/?a=b") throws -> WebhookAddress {
        try #require(WebhookAddress("\(server.address)\(path)"))
    }

    @Test("A webhook is told as JSON what is wrong, and that it is over, signed so that a receiver can tell")
    func signed() async throws {
        try await StubServer.serve { _, answer in
            try await answer.send("")
        } during: { server in
            for secret in ["0123456789abcdef", "whsec_" + Data("0123456789abcdef".utf8).base64EncodedString()] {
                let settings = AlertSettings(webhooks: [try Self.webhook(server)], secret: .value(Secret(secret)))
                let channels = try Self.channels(settings)
                for phase in [AlertNotice.Phase.firing, .resolved] {
                    #expect(await Self.tell(try Self.notice(phase), by: channels) == [true])
                    let request = try #require(server.requests.last)
                    #expect((request.method, request.uri) == ("POST", "/hook/?a=b"))
                    let id = try #require(request[header: "webhook-id"])
                    #expect(id == (try Self.notice(phase)).id)
                    let body = try #require(JSONValue(json: String(decoding: request.body, as: UTF8.self)))
                    #expect(body["id"]?.stringValue == id)
                    #expect(body["alert"]?.stringValue == "peer-down")
                    #expect(body["state"]?.stringValue == phase.rawValue)
                    #expect(body["subject"]?["name"]?.stringValue == "laptop")
                    #expect(body["until"]?.isNull == (phase == .firing))
                    let time = try #require(request[header: "webhook-timestamp"])
                    let message = try WebhookMessage(
                        try Self.notice(phase), speaker: try TestID.make(1), named: try #require(NodeName("desk")))
                    let expected = message.headers(
                        secret: Secret("0123456789abcdef"),
                        now: WallTime(milliseconds: try #require(Int64(time)) * 1_000))
                    #expect(request[header: "webhook-signature"] == expected["webhook-signature"].first)
                    #expect(message.body == request.body)
                }
            }
        }
    }

    /// The example of the specification, https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md.
    @Test("A signature is the HMAC of the id, the time and the body")
    func known() throws {
        let message = WebhookMessage(id: "msg_p5jXN8AQM9LWM0D4loKWxJek", body: Array(#"{"test": 2432232314}"#.utf8))
        let headers = message.headers(
            secret: Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), now: WallTime(milliseconds: 1_614_265_330_000))
        #expect(headers["webhook-timestamp"] == ["1614265330"])
        #expect(headers["webhook-signature"] == ["v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="])
    }

    @Test("A webhook that fails is tried again with the same id, and a redirect is a failure that is not followed")
    func retried() async throws {
        let count = Mutex(0)
        try await StubServer.serve { request, answer in
            let number = count.withLock { number -> Int in
                number += 1
                return number
            }
            switch number {
            case 1: try await answer.send("", status: 503)
            case 2: try await answer.send("", status: 302, headers: ["Location": "/elsewhere"])
            case 3: answer.cut()
            default: try await answer.send("")
            }
        } during: { server in
            let channels = try Self.channels(AlertSettings(webhooks: [try Self.webhook(server)]))
            #expect(await Self.tell(try Self.notice(), by: channels) == [true])
            #expect(server.requests.count == 4)
            #expect(Set(server.requests.map { $0[header: "webhook-id"] }).count == 1)
            #expect(Set(server.requests.map(\.uri)) == ["/hook/?a=b"])
            #expect(server.requests.allSatisfy { $0[header: "webhook-signature"] == nil })
        }
    }

    @Test("A webhook that fails for too long is given up, and the log tells neither its path nor the secret")
    func givenUp() async throws {
        try await StubServer.serve { _, answer in
            try await answer.send("", status: 500)
        } during: { server in
            let log = LineLog()
            let clock = HastyClock()
            let channels = try Self.channels(
                AlertSettings(webhooks: [try Self.webhook(server)], secret: .value(Secret("0123456789abcdef"))),
                clock: clock, logger: Logger(label: "test") { _ in log })
            #expect(await Self.tell(try Self.notice(), by: channels) == [false])
            #expect(log.lines.contains { $0.contains("webhook not told") })
            #expect(log.lines.allSatisfy { !$0.contains("/hook") && !$0.contains("0123456789") })
        }
    }

    @Test("Without the secret, which Vault does not tell, nothing is sent unsigned")
    func missingSecret() async throws {
        try await StubServer.serve { _, answer in
            try await answer.send("")
        } during: { server in
            let settings = AlertSettings(
                webhooks: [try Self.webhook(server)], secret: .vault(try VaultReference("vault:secret/data/kith#w")))
            let channels = try Self.channels(settings, clock: HastyClock())
            #expect(await Self.tell(try Self.notice(), by: channels) == [false])
            #expect(server.requests.isEmpty)
        }
    }

    @Test("A command is run without a shell, with the alert in its environment and without the node's secrets")
    func command() async throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/told; rm -rf"
        let script = folder.path + "/notify"
        try Data("#!/bin/sh\nenv > \"$1\"\n".utf8).write(to: URL(filePath: script))
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: script)
        setenv("KITH_TEST_SECRET_TOKEN", "hidden", 1)
        defer { unsetenv("KITH_TEST_SECRET_TOKEN") }
        let channels = try Self.channels(AlertSettings(command: [script, file]))
        #expect(await Self.tell(try Self.notice(), by: channels) == [true])
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map(String.init)
        for line in [
            "KITH_ALERT=peer-down", "KITH_ALERT_STATE=firing", "KITH_ALERT_SUBJECT=laptop",
            "KITH_ALERT_SEVERITY=warning",
        ] {
            #expect(lines.contains(line))
        }
        #expect(lines.allSatisfy { !$0.contains("hidden") })
    }

    @Test("A command that fails or is not there told nobody, and one is run sixty times in an hour at most")
    func failing() async throws {
        for command in [["/nonexistent/notify"], ["false"]] {
            let channels = try Self.channels(AlertSettings(command: command))
            #expect(await Self.tell(try Self.notice(), by: channels) == [false])
        }
        let clock = ManualClock()
        let channels = try Self.channels(AlertSettings(command: ["true"]), clock: clock)
        for _ in 0..<60 { #expect(await Self.tell(try Self.notice(), by: channels) == [true]) }
        #expect(await Self.tell(try Self.notice(), by: channels) == [false])
        clock.advance(by: .seconds(3_601))
        #expect(await Self.tell(try Self.notice(), by: channels) == [true])
    }

    @Test("One channel that takes the message is enough, and is not kept waiting by another that does not")
    func oneOfTwo() async throws {
        try await StubServer.serve { request, answer in
            try await answer.send("", status: request.uri == "/good" ? 200 : 500)
        } during: { server in
            let settings = AlertSettings(webhooks: [
                try Self.webhook(server, "/bad"), try Self.webhook(server, "/good"),
            ])
            let channels = try Self.channels(settings, clock: HastyClock())
            #expect(await Self.tell(try Self.notice(), by: channels) == [true])
            #expect(server.requests.count { $0.uri == "/good" } == 1)
        }
    }
}

private actor OutcomeLog {
    private(set) var all: [Bool] = []

    func add(_ outcome: Bool) { all.append(outcome) }
}

/// A clock on which every sleep takes a minute, and no time.
private final class HastyClock: TimeSource {
    private let time = Mutex(MonotonicInstant.zero)

    var now: MonotonicInstant { time.withLock { $0 } }

    var minimumResolution: Duration { .nanoseconds(1) }

    func sleep(until deadline: MonotonicInstant, tolerance: Duration?) async throws {
        try Task.checkCancellation()
        time.withLock { $0 = max($0, deadline) + .seconds(60) }
    }
}

/// Keeps what is logged.
private struct LineLog: LogHandler {
    private final class Store: Sendable {
        let lines = Mutex<[String]>([])
    }

    private let store = Store()
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    var lines: [String] { store.lines.withLock { $0 } }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        store.lines.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") }
    }
}
