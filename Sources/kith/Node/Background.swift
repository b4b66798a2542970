// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithFiles
import KithModel
import KithNode
import Subprocess
import SystemPackage
import UnixSignals

/// A node as a process of its own session, which stays when the command and its terminal end.
struct BackgroundNode: Sendable {
    private enum End: Sendable {
        case answers(NodeClient)
        case failed(String)
        case interrupted
    }

    /// A node that loads much, or brings its store in order first, may take long to listen.
    private static let limit = Duration.seconds(60)

    var settings: NodeSettings
    /// The command that runs the node, without the program's name; that of this process is taken as it is, but for its flag.
    var command = CommandLine.arguments.dropFirst().filter { $0 != "--background" }

    /// What is started; `nil` for this program.
    var program: String?

    private var folder: String { settings.dataDirectory }
    private var log: String { settings.logFile ?? settings.stateDirectory + "/node.log" }

    private var arguments: [String] { settings.logFile == nil ? command + ["--log-file", log] : command }

    /// How a node was started that runs in the background, so that it can be started anew with one more flag.
    private struct Record: Codable {
        var pid: Int32
        var arguments: [String]
    }

    private static func recordFile(in folder: String) -> FilePath {
        FilePath(folder).appending("state/background.json")
    }

    /// The command of a node that ``start()`` started; `nil` for one that was started in another way.
    static func command(of node: RunningNode) -> [String]? {
        guard let bytes = try? BoundedFile.bytesIfPresent(recordFile(in: node.folder).string, limit: 1 << 20),
            let record = try? JSONBody.decode(Record.self, from: bytes), record.pid == node.processID
        else { return nil }
        return record.arguments
    }

    /// - Throws: `CommandError` with the node's own words when it does not start.
    func start() async throws {
        if let running = try RunningNode(dataDirectory: folder) {
            throw CommandError(
                .failed, "a node runs on \(folder) already, at \(running.client.address); kith down stops it")
        }
        try DataFolder.prepare(folder)
        let signals = await UnixSignalsSequence(trapping: [.sigint, .sigterm])
        let (ends, continuation) = AsyncStream.makeStream(of: End.self)
        let executable = try program ?? Executable.path()
        // Outlives this function on purpose: to wait for the node would hold this command until the node stops, and to cancel the
        // wait would stop the node.
        let child = Task {
            do {
                continuation.yield(.failed(try await run(executable)))
            } catch {
                continuation.yield(.failed("the node cannot be started: \(error)"))
            }
        }
        let watchers = Task {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { for await _ in signals { continuation.yield(.interrupted) } }
                group.addTask { continuation.yield(try await awaitAnswer()) }
                try await group.waitForAll()
            }
        }
        defer { watchers.cancel() }
        for await end in ends {
            switch end {
            case .answers(let client):
                try remember()
                Terminal.note("node \(settings.name) listens on \(client.address), and stays until kith down")
                return Terminal.note("its log is \(log)")
            case .failed(let reason): throw CommandError(.failed, reason)
            case .interrupted:
                child.cancel()
                await child.value
                throw CommandError(.interrupted)
            }
        }
    }

    private func remember() throws {
        guard let pid = try RunningNode(dataDirectory: folder)?.processID else { return }
        try DurableFile.replace(
            Self.recordFile(in: folder), with: JSONBody.encode(Record(pid: pid, arguments: command)))
    }

    /// - Returns: Why the node ended.
    private func run(_ executable: String) async throws -> String {
        let file = try FileDescriptor.open(
            FilePath(log), .writeOnly, options: [.create, .append, .closeOnExec], permissions: [.ownerReadWrite])
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(16))]
        _ = try await Subprocess.run(
            .path(FilePath(executable)), arguments: Arguments(arguments), platformOptions: options, input: .none,
            output: .fileDescriptor(file, closeAfterSpawningProcess: false),
            error: .fileDescriptor(file, closeAfterSpawningProcess: true))
        let words = LogTail.lines(log, count: 1).last ?? "the node ended; see \(log)"
        return words.hasPrefix("kith: ") ? String(words.dropFirst(6)) : words
    }

    private func awaitAnswer() async throws -> End {
        let deadline = ContinuousClock.now + Self.limit
        while ContinuousClock.now < deadline {
            if let node = try RunningNode(dataDirectory: folder),
                let answer = try? await node.client.probe("/health/live"), answer.status == 200
            {
                return .answers(node.client)
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        return .failed("the node does not answer yet; see \(log)")
    }
}

struct Down: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stop the node that runs on this machine.",
        discussion: """
            Answers under way may end first, for 8 seconds. A node that runs as a service is stopped too, and is \
            started with the machine again.

            EXAMPLES:
              kith down
              kith down --data-dir cluster/instance_8081
            """)

    @Option(
        help: ArgumentHelp("The folder of the node that runs on this machine.", valueName: "path"),
        completion: .directory)
    var dataDir: String?

    func run() async throws {
        let node = try find()
        try await Interruption.cancelling { try await Self.stop(node) }
        Terminal.note("the node on \(node.folder) has stopped")
    }

    private func find() throws -> RunningNode {
        if dataDir == nil, let found = try RunningNode.found() { return found }
        return try RunningNode.require(dataDirectory: RunningNode.folder(dataDir))
    }

    /// - Throws: `CommandError` when it does not end; `CancellationError`.
    static func stop(_ node: RunningNode) async throws {
        guard let id = node.processID, let process = ProcessTable.process(id) else {
            throw CommandError(
                .failed, "the node on \(node.folder) does not say which process it is; stop that by hand")
        }
        try await ProcessEnd.stop([process], patience: .seconds(20))
    }
}
