// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithNode
import KithTesting
import Logging
import NIOCore
import NIOSSL
import Synchronization

/// A node as its program runs it, with every role and the engine `count`, on free ports.
struct RunningNode: Sendable {
    struct Answer: Sendable {
        var status: Int
        var head: String
        var body: String
    }

    private struct EndedEarly: Error {}

    private let ports: Ports
    private let isSecure: Bool

    /// - Parameter secure: Whether clients need TLS.
    static func run(
        secure: Bool, _ flags: [SettingKey: String] = [:],
        during body: @escaping @Sendable (RunningNode) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        var own: [SettingKey: String] = [
            .dataDirectory: folder.path, .engineKind: "count", .port: "0", .ollamaPort: "0", .peerPort: "0",
            .cellPort: "0", .bridgePort: "0", .discoveryPort: "0", .roles: "node,cell,bridge,discovery",
        ]
        if secure { own[.tlsMode] = "own" }
        let ports = Ports()
        let surroundings = ProcessEnvironment(currentDirectory: "/", homeDirectory: "/", hostName: "test")
        let sources = SettingSources(flags: own.merging(flags) { _, flag in flag }, surroundings: surroundings)
        let node = Node(
            settings: try NodeSettings(sources), logger: Logger(label: "test") { _ in PortLog(ports: ports) })
        // Whichever ends first: a node that cannot start says why, and is not waited for.
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                try await node.run { ports.opened("node", $0.port) }
                throw EndedEarly()
            }
            group.addTask {
                try await ports.areOpen(["node", "ollama", "peers", "cell", "bridge", "discovery"])
                try await body(RunningNode(ports: ports, isSecure: secure))
            }
            try await group.next()
        }
    }

    func port(of listener: String) -> Int { ports.all[listener] ?? 0 }

    /// What a program on this machine sees of everything that a page might change.
    func visible() async throws -> [String] {
        var seen: [String] = []
        for (listener, path) in [
            ("node", "/api/context"), ("node", "/api/state"), ("node", "/v1/models"), ("cell", "/health"),
            ("bridge", "/network-peers"), ("discovery", "/peers"),
        ] { seen.append(Self.ordered(try await ask(listener, "GET", path, "", "").body)) }
        let counted = try await ask("node", "GET", "/metrics", "", "").body
        return seen
            + counted.split(separator: "\n").filter {
                $0.hasPrefix("kith_answers") || $0.hasPrefix("kith_route_decisions")
            }
            .map(String.init)
    }

    /// The same for the same fields, in whatever order they came, and without times, which go on by themselves.
    private static func ordered(_ json: String) -> String {
        func text(_ value: JSONValue) -> String {
            if let object = value.objectValue {
                let fields = object.filter { !$0.key.hasSuffix("seconds") && !$0.key.hasSuffix("timestamp") }
                return fields.map { "\($0.key):\(text($0.value))" }.sorted().joined(separator: ",")
            }
            if let array = value.arrayValue { return array.map(text).joined(separator: ";") }
            return String(decoding: value.jsonBytes, as: UTF8.self)
        }
        return JSONValue(json: json).map(text) ?? json
    }

    func ask(
        _ listener: String, _ method: String, _ path: String, _ fields: String, _ body: String, host: String? = nil
    ) async throws -> Answer {
        let length = body.isEmpty ? "" : "Content-Length: \(body.utf8.count)\r\n"
        let close = fields.contains("Connection:") ? "" : "Connection: close\r\n"
        let host = host ?? "127.0.0.1:\(port(of: listener))"
        let text = try await raw(
            listener, "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\n\(fields)\(length)\(close)\r\n\(body)",
            secure: isSecure)
        let parts = text.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
        let head = parts.first.map(String.init) ?? ""
        return Answer(
            status: head.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0, head: head,
            body: parts.count > 1 ? String(parts[1]) : "")
    }

    /// What comes back for these words; a connection that may be kept is not waited for.
    func raw(_ listener: String, _ words: String, secure: Bool) async throws -> String {
        try await RawConnection.open(
            port: port(of: listener),
            prepare: { channel in
                guard secure else { return }
                var configuration = TLSConfiguration.makeClientConfiguration()
                configuration.certificateVerification = .none
                configuration.applicationProtocols = ["http/1.1"]
                try channel.pipeline.syncOperations.addHandler(
                    NIOSSLClientHandler(context: NIOSSLContext(configuration: configuration), serverHostname: nil))
            }
        ) { connection in
            do { try await connection.send(words) } catch { return "" }  // it has closed already
            return await connection.read { text in text.contains("\r\n\r\n") && !words.contains("Connection: close") }
        }
    }
}

/// The ports of a node's listeners, as its log tells them.
final class Ports: Sendable {
    private let state = Mutex<[String: Int]>([:])

    var all: [String: Int] { state.withLock { $0 } }

    func opened(_ listener: String, _ port: Int) { state.withLock { $0[listener] = port } }

    func areOpen(_ listeners: [String]) async throws {
        while !listeners.allSatisfy({ all[$0] != nil }) { try await Task.sleep(for: .milliseconds(5)) }
    }
}

private struct PortLog: LogHandler {
    let ports: Ports
    var metadata = Logger.Metadata()
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let told = event.metadata ?? [:]
        let address = told["address"].flatMap { HTTPAddress("\($0)") }
        switch "\(event.message)" {
        case "role listens": if let address, let role = told["role"] { ports.opened("\(role)", address.port) }
        case "listening for programs made for Ollama": if let address { ports.opened("ollama", address.port) }
        case "peers can reach this node", "only this machine can reach this node; --lan opens it to others":
            if let port = told["port"].flatMap({ Int("\($0)") }) { ports.opened("peers", port) }
        default: break
        }
    }
}
