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

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A node as a process of its own session, which stays when the command and its terminal end.
struct BackgroundNode: Sendable {
    private enum End: Sendable {
        case answers(NodeClient)
        case failed(String)
        case interrupted
    }

    /// How a node was started that runs in the background, so that it can be started anew as it was.
    struct Record: Codable, Hashable, Sendable {
        /// The command that runs the node, without the program's name.
        var arguments: [String]
        /// Where it was typed: paths may be relative to it.
        var directory: String
        /// Settings from the environment, without secrets.
        var environment: [String: String]
        var log: String
        var pid: Int32?
        /// Whether a setup was told to let other machines find the node; what is typed by hand changes nothing of that.
        var isOpen: Bool?

        /// The port that was asked for.
        var port: Int? {
            let after = arguments.firstIndex(of: "--port").map { $0 + 1 }
            return after.flatMap { arguments.indices.contains($0) ? Int(arguments[$0]) : nil }
        }

        /// - Parameter command: Words of `kith up`; `nil` takes those of this process, but for its flag.
        init(command: [String]? = nil, settings: NodeSettings) {
            let typed = command ?? CommandLine.arguments.dropFirst().filter { $0 != "--background" }
            log = settings.logFile ?? settings.stateDirectory + "/node.log"
            arguments =
                typed + ["--data-dir", settings.dataDirectory]
                + (settings.logFile == nil ? ["--log-file", log] : [])
            directory = ProcessEnvironment.current().currentDirectory
            let names = Set(SettingDefinition.all.filter { !$0.isSecret }.flatMap(\.environmentNames))
            environment = Terminal.environment.filter { names.contains($0.key) }
        }

        /// What is typed to start a node so by hand; `nil` where all its flags are those that a setup decides on.
        func words(with reach: [String]) -> String? {
            var record = self
            record.start(with: reach)
            var words = Self.words(record.arguments, without: ["--data-dir", "--log-file"])
            guard Self.words(words, without: ["--port", "--name"]).contains(where: { $0 != "up" && $0 != "--lan" })
            else {
                return nil
            }
            words.insert("kith", at: 0)
            return words.map { ShellWord.quoted($0) }.joined(separator: " ")
        }

        private static func words(_ arguments: [String], without flags: [String]) -> [String] {
            var words = arguments
            for flag in flags {
                if let at = words.firstIndex(of: flag) { words.removeSubrange(at..<min(at + 2, words.count)) }
            }
            return words
        }

        /// The flags that a setup decides on, `--lan` and `--port`, in place of those there were; a port stays that is not decided on.
        mutating func start(with reach: [String]) {
            arguments.removeAll { $0 == "--lan" }
            if reach.contains("--port"), let at = arguments.firstIndex(of: "--port") {
                arguments.removeSubrange(at..<min(at + 2, arguments.count))
            }
            arguments.removeAll { reach.contains("--port") && $0.hasPrefix("--port=") }
            arguments += reach
        }
    }

    /// A node that loads much, or brings its store in order first, may take long to listen.
    private static let usualLimit = Duration.seconds(60)

    private let folder: String
    private let record: Record
    /// What is started; `nil` for this program.
    private let program: String?
    private let limit: Duration

    init(settings: NodeSettings, command: [String]? = nil) {
        self.init(folder: settings.dataDirectory, record: Record(command: command, settings: settings))
    }

    /// Starts a node as it was started before.
    init(folder: String, record: Record, program: String? = nil, limit: Duration = BackgroundNode.usualLimit) {
        self.folder = folder
        self.record = record
        self.program = program
        self.limit = limit
    }

    private static func recordFile(in folder: String) -> FilePath {
        FilePath(folder).appending("state/background.json")
    }

    /// How a running node was started by ``start()``; `nil` for one that was started in another way.
    static func record(of node: RunningNode) -> Record? {
        lastRecord(in: node.folder).flatMap { $0.pid == node.processID ? $0 : nil }
    }

    /// How the node of a folder was started when it last ran in the background.
    static func lastRecord(in folder: String) -> Record? {
        guard let bytes = try? RegularFile.read(recordFile(in: folder), limit: 1 << 20) else { return nil }
        return try? JSONBody.decode(Record.self, from: bytes)
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
                group.addTask {
                    do {
                        continuation.yield(try await awaitAnswer())
                    } catch let failure as CommandError {
                        continuation.yield(.failed(failure.message))
                    }
                }
                try await group.waitForAll()
            }
        }
        defer { watchers.cancel() }
        for await end in ends {
            switch end {
            case .answers(let client):
                try remember()
                Terminal.note("the node listens on \(client.address), and stays until kith down")
                return Terminal.note("its log is \(record.log)")
            case .failed(let reason):
                // One that is late must not go on behind the back of whoever was told that it failed.
                child.cancel()
                await child.value
                throw CommandError(.failed, reason)
            case .interrupted:
                child.cancel()
                await child.value
                throw CommandError(.interrupted)
            }
        }
    }

    /// Notes how a node was started by hand, so that `kith setup` starts it so again.
    static func noteStart(_ settings: NodeSettings) {
        // One that runs in the background leads a session of its own; whoever started it notes that.
        guard getsid(0) != getpid() else { return }
        // What was set up is started again as it was set up, whatever was tried by hand in between.
        guard lastRecord(in: settings.dataDirectory)?.pid == nil else { return }
        let record = Record(settings: settings)
        // Nor is a secret to be kept, nor a door open that was opened for once.
        let unkept = SettingDefinition.all.filter(\.isSecret).compactMap(\.flag) + ["--host", "--insecure"]
        guard !record.arguments.contains(where: { word in unkept.contains { word == $0 || word.hasPrefix($0 + "=") } })
        else { return }
        // Nothing else depends on it: a disk that is full is told of where it matters.
        if let bytes = try? JSONBody.encode(record) {
            try? DurableFile.replace(recordFile(in: settings.dataDirectory), with: bytes)
        }
    }

    private func remember() throws {
        var record = record
        record.isOpen = record.isOpen ?? Self.lastRecord(in: folder)?.isOpen
        record.pid = try RunningNode(dataDirectory: folder)?.processID
        try DurableFile.replace(Self.recordFile(in: folder), with: JSONBody.encode(record))
    }

    /// - Returns: Why the node ended.
    private func run(_ executable: String) async throws -> String {
        let file = try FileDescriptor.open(
            FilePath(record.log), .writeOnly, options: [.create, .append, .closeOnExec], permissions: [.ownerReadWrite])
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(16))]
        let environment = Dictionary(
            uniqueKeysWithValues: Terminal.environment.merging(record.environment) { $1 }.compactMap { name, value in
                Environment.Key(rawValue: name).map { ($0, value) }
            })
        _ = try await Subprocess.run(
            .path(FilePath(executable)), arguments: Arguments(record.arguments), environment: .custom(environment),
            workingDirectory: FilePath(record.directory), platformOptions: options, input: .none,
            output: .fileDescriptor(file, closeAfterSpawningProcess: false),
            error: .fileDescriptor(file, closeAfterSpawningProcess: true))
        let words = LogTail.lines(record.log, count: 1).last ?? "the node ended; see \(record.log)"
        return words.hasPrefix("kith: ") ? String(words.dropFirst(6)) : words
    }

    private func awaitAnswer() async throws -> End {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            if let node = try RunningNode(dataDirectory: folder),
                let answer = try? await node.client.probe("/health/live"), answer.status == 200
            {
                return .answers(node.client)
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        return .failed("the node does not answer within \(limit.components.seconds) seconds; see \(record.log)")
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
        return try RunningNode.require(
            dataDirectory: RunningNode.folder(dataDir), others: "--data-dir names another")
    }

    /// - Throws: `CommandError` when it does not end; `CancellationError`.
    static func stop(_ node: RunningNode) async throws {
        guard let id = node.processID, let process = ProcessTable.process(id),
            ProcessTable.belongsToOwner(of: node.folder + "/state/control.json", id)
        else {
            throw CommandError(
                .failed, "the node on \(node.folder) does not say which process it is; stop that by hand")
        }
        try await ProcessEnd.stop([process], patience: .seconds(20))
    }
}
