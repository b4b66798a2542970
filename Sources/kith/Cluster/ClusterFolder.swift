// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithFiles
import KithModel
import KithNode
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The files of a cluster.
struct ClusterFolder: Sendable {
    /// Absolute.
    var path: String

    private var recordPath: String { path + "/cluster.json" }
    var supervisorLog: String { path + "/cluster.log" }

    // MARK: What runs

    /// - Throws: `CommandError` when there is a record that cannot be read.
    func record() throws -> ClusterRecord? {
        guard FileManager.default.fileExists(atPath: recordPath) else { return nil }
        do {
            return try JSONDecoder().decode(ClusterRecord.self, from: Data(contentsOf: URL(filePath: recordPath)))
        } catch {
            throw CommandError(.failed, "\(recordPath) cannot be read; if no node of it runs, remove it")
        }
    }

    func write(_ record: ClusterRecord) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try makeFolder(path)
        try encoder.encode(record).write(to: URL(filePath: recordPath), options: .atomic)
    }

    func removeRecord() throws {
        guard FileManager.default.fileExists(atPath: recordPath) else { return }
        try FileManager.default.removeItem(atPath: recordPath)
    }

    /// - Throws: `CommandError` when a cluster runs here.
    func requireStopped() throws {
        guard let record = try record() else { return }
        let processes = [record.supervisor] + record.nodes.compactMap(\.process)
        guard processes.contains(where: ProcessTable.isAlive) else { return }
        throw CommandError(.failed, "a cluster runs in \(path); stop it with: kith cluster down --dir \(path)")
    }

    // MARK: Settings of the nodes

    /// The lowest port of the nodes that have a folder here.
    var firstPort: Int? {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.compactMap { $0.hasPrefix("instance_") ? Int($0.dropFirst("instance_".count)) : nil }.min()
    }

    /// The port for peers of a node that has a folder here, by its settings: its kin remember it.
    ///
    /// - Throws: `SettingError` when they cannot be read.
    func peerPort(ofNodeOn port: Int) throws -> Int? {
        let folder = path + "/instance_\(port)"
        guard FileManager.default.fileExists(atPath: folder + "/config/kith.yaml") else { return nil }
        let settings = try NodeSettings(.gather(flags: [.dataDirectory: folder], environment: [:]))
        return settings.peer.port
    }

    /// Writes the folders of all nodes. The user's own files are left as they are.
    func write(_ plan: ClusterPlan) throws {
        for instance in plan.instances {
            try makeFolder(instance.directory + "/config")
            try makeFolder(instance.directory + "/state")
            try write(instance.settingsFile, to: instance.directory + "/config/kith.yaml")
        }
    }

    private func write(_ text: String, to file: String) throws {
        if FileManager.default.fileExists(atPath: file) {
            let present = try String(contentsOfFile: file, encoding: .utf8)
            if present == text { return }
            guard present.hasPrefix(ClusterPlan.mark) else {
                return Terminal.note("\(file) is not of this command's making and stays as it is")
            }
        }
        try text.write(toFile: file, atomically: true, encoding: .utf8)
    }

    private func makeFolder(_ path: String) throws {
        do {
            try PrivateDirectory.create(FilePath(path))
        } catch {
            throw CommandError(.failed, "the folder \(path) cannot be made")
        }
    }
}
