// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithInference
import KithModel
import KithNode

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct Uninstall: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what kith has on this machine, and remove what you name.",
        discussion: """
            Without flags nothing is removed. A removed node is a member of nothing: its kin may forget it with kith forget.

            EXAMPLES:
              kith uninstall
              kith uninstall --service --engine
              kith uninstall --all
            """)

    @Flag(help: "Remove the service.")
    var service = false

    @Flag(help: "Remove the embedded engine and its model.")
    var engine = false

    @Flag(help: "Remove the node's folder: its identity, keys, conversations and settings.")
    var node = false

    @Flag(help: "Remove all three.")
    var all = false

    @Flag(help: "Do not ask.")
    var yes = false

    @Option(help: ArgumentHelp("The folder of the node.", valueName: "path"), completion: .directory)
    var dataDir: String?

    func run() async throws {
        let settings = try NodeSettings(
            .gather(flags: dataDir.map { [.dataDirectory: $0] } ?? [:], environment: Terminal.environment))
        let name = try await Self.name(dataDir)
        let manager = try? await Services.manager(of: nil)
        let isService = try await manager?.state().isInstalled ?? false
        let folder = try await Services.folder(dataDir, manager)
        let engineFolder =
            folder == settings.dataDirectory ? settings.engine.embedded.directory : folder + "/engine"
        let installer = EmbeddedInstaller(directory: engineFolder)
        let places = UninstallPlaces(
            program: try Executable.path(), isService: isService,
            isRunning: DataFolder.isHeld(folder),
            node: DataFolder.holdsNode(folder) ? (folder, Self.bytes(in: folder)) : nil,
            engine: installer.status() == .missing ? nil : (engineFolder, Self.bytes(in: engineFolder)))
        let wanted = (service: service || all, engine: engine || all, node: node || all)
        guard wanted.service || wanted.engine || wanted.node else { return try Terminal.printLines(places.lines) }
        let isServiceRemoved = wanted.service && isService  // and its node with it
        guard isServiceRemoved || !DataFolder.isHeld(folder) || !(wanted.engine || wanted.node) else {
            throw CommandError(.failed, "a node runs on \(folder); stop it first: kith down")
        }
        if !yes {
            if wanted.node, places.node != nil {
                try Terminal.confirm(
                    "this removes the node in \(folder) for good: who it is, and all it knows"
                        + (wanted.engine && places.engine != nil ? "; and the engine in \(engineFolder)" : ""))
            } else if wanted.engine, places.engine != nil {
                try Terminal.confirm("this removes the engine in \(engineFolder), which all your nodes here share")
            }
        }
        if wanted.service, isService, let manager {
            try await manager.uninstall()
            Terminal.note("removed the service")
        }
        guard !DataFolder.isHeld(folder) || !(wanted.engine || wanted.node) else {
            throw CommandError(.failed, "a node runs on \(folder); stop it first: kith down")
        }
        if wanted.engine, places.engine != nil {
            do { try installer.remove() } catch {
                throw CommandError(.failed, "\(engineFolder) cannot be removed whole: \(error)")
            }
            Terminal.note("removed the engine in \(engineFolder)")
        }
        if wanted.node, places.node != nil {
            let isGone = try DataFolder.remove(folder)
            Terminal.note(
                isGone
                    ? "removed \(folder)" : "removed the node in \(folder); what else is there is not kith's, and stays"
            )
            Terminal.note("if other machines were paired with it, type on one of them: kith forget \(name)")
        }
        Terminal.note(UninstallPlaces.program(places.program))
    }

    /// What the node is called: its last flags may say.
    private static func name(_ dataDir: String?) async throws -> NodeName {
        var flags = try await StartFlags.of(RunningNode.folder(dataDir))
        flags[.dataDirectory] = dataDir
        return try NodeSettings(.gather(flags: flags, environment: Terminal.environment)).name
    }

    /// What the files in a folder take; what cannot be read counts for nothing.
    private static func bytes(in folder: String) -> Int {
        var sum = 0
        for name in (try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? [] {
            let attributes = try? FileManager.default.attributesOfItem(atPath: folder + "/" + name)
            if attributes?[.type] as? FileAttributeType == .typeRegular { sum += attributes?[.size] as? Int ?? 0 }
        }
        return sum
    }
}
