// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithModel
import KithNode
import SystemPackage
import KithTransport

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Which node to ask.
struct NodeFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp("The folder of the node that runs on this machine.", valueName: "path"),
        completion: .directory)
    var dataDir: String?

    @Option(
        help: ArgumentHelp(
            "The node to speak to; else KITH_URL, else the one that runs on the data folder, else "
                + "http://127.0.0.1:8080.", valueName: "url"))
    var url: String?

    func validate() throws { try OneNode.check(dataDir: dataDir, url: url) }

    func client() throws -> NodeClient {
        if dataDir != nil { return try RunningNode.require(dataDirectory: RunningNode.folder(dataDir)).client }
        let settings = try ClientSettings(url: url, environment: Terminal.environment)
        if !settings.isNamed, let running = try RunningNode.found() {
            if settings.key != nil, Terminal.isTerminal(.standardError) {
                Terminal.note(
                    "KITH_KEY is not used: this machine's own node needs none; KITH_URL names the node that it is for")
            }
            return running.client
        }
        var client = NodeClient(address: settings.node, key: settings.key, pin: settings.pin)
        client.isGuessed = !settings.isNamed
        return client
    }

    /// A way to the same node that finds it again after a restart.
    ///
    /// - Throws: `CommandError`; the way itself throws it while the node does not run.
    func wayBack() throws -> @Sendable () throws -> NodeClient {
        guard let folder = try ownFolder() else {
            let client = try client()
            return { client }
        }
        return { try RunningNode.require(dataDirectory: folder).client }
    }

    /// The data folder of the node, when that is how the node is found.
    ///
    /// - Throws: `CommandError`.
    func ownFolder() throws -> String? {
        if dataDir != nil { return try RunningNode.folder(dataDir) }
        let settings = try ClientSettings(url: url, environment: Terminal.environment)
        return try settings.isNamed ? nil : RunningNode.found()?.folder
    }
}

/// Which node is to change whom it trusts.
struct ControlFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp("The folder of the node that runs on this machine.", valueName: "path"),
        completion: .directory)
    var dataDir: String?

    @Option(
        help: ArgumentHelp(
            "The node to speak to, on whatever machine, with a key of scope admin in KITH_KEY.", valueName: "url"))
    var url: String?

    func validate() throws { try OneNode.check(dataDir: dataDir, url: url) }

    /// Whether the node is named by its address, so that this machine need not have its folder.
    func isNamed() throws -> Bool {
        try ClientSettings(url: url, environment: Terminal.environment).isNamed && dataDir == nil
    }

    /// - Throws: `CommandError` when no node runs on the data folder, and none is named.
    func client() throws -> NodeClient {
        let settings = try ClientSettings(url: url, environment: Terminal.environment)
        if settings.isNamed, dataDir == nil {
            return NodeClient(address: settings.node, key: settings.key, pin: settings.pin)
        }
        if dataDir == nil, let running = try RunningNode.found() { return running.client }
        return try RunningNode.require(dataDirectory: RunningNode.folder(dataDir)).client
    }
}

private enum OneNode {
    static func check(dataDir: String?, url: String?) throws {
        guard dataDir == nil || url == nil else {
            throw ValidationError("--data-dir and --url both say which node is meant; give one of them")
        }
    }
}

/// A node that runs on a data folder of this machine, found by what it wrote there for its owner's commands.
struct RunningNode: Sendable {
    let folder: String
    let client: NodeClient
    let processID: Int32?

    /// - Returns: `nil` when there is no such file, or no process holds the folder: a node that crashed leaves its file.
    /// - Throws: `CommandError` when the node's file cannot be read.
    init?(dataDirectory: String) throws {
        var file = try Self.file(dataDirectory)
        // One that is just starting holds its folder before it says where it is.
        for _ in 0..<60 where file == nil && DataFolder.isHeld(dataDirectory) {
            usleep(50_000)
            file = try Self.file(dataDirectory)
        }
        guard let file, DataFolder.isHeld(dataDirectory) else { return nil }
        folder = dataDirectory
        processID = file.processID
        client = NodeClient(
            address: file.url, key: file.token, pin: file.fingerprint.flatMap(CertificatePin.init(fingerprint:)),
            absence: Self.absence(dataDirectory))
    }

    private static func file(_ folder: String) throws(CommandError) -> ControlFile? {
        do {
            return try ControlFile.read(dataDirectory: folder)
        } catch {
            throw CommandError(.failed, "the node on \(folder) cannot be controlled: \(error)")
        }
    }

    /// - Parameter others: The flags that name another node, for the message that none runs there.
    static func require(dataDirectory: String, others: String = otherNodes) throws -> RunningNode {
        guard let node = try RunningNode(dataDirectory: dataDirectory) else {
            throw CommandError(.nodeUnreachable, absence(dataDirectory, others))
        }
        return node
    }

    /// The node that is meant when nothing names one: on the current folder, if that is a node's, else the user's own. Says which,
    /// where there are two.
    ///
    /// - Returns: `nil` when neither runs.
    /// - Throws: `CommandError` when a node's file cannot be read.
    static func found() throws -> RunningNode? {
        let folders = try SettingSources.gather(flags: [:], environment: Terminal.environment).dataDirectories
        let running = try folders.compactMap { try RunningNode(dataDirectory: $0) }
        if running.count > 1 {
            Terminal.note(
                "speaking to the node on \(running[0].folder); another runs on \(running[1].folder): --data-dir names one"
            )
        }
        return running.first
    }

    /// The folder that `kith up` would take with the same flag.
    static func folder(_ flag: String?) throws -> String {
        try SettingSources.gather(
            flags: flag.map { [.dataDirectory: $0] } ?? [:], environment: Terminal.environment
        ).dataDirectory
    }

    private static let otherNodes = "--data-dir and --url name another"

    private static func absence(_ folder: String, _ others: String = otherNodes) -> String {
        "no node runs on \(folder): kith setup starts one; \(others)"
    }
}
