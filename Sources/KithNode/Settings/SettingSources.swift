// SPDX-License-Identifier: Apache-2.0

import KithModel

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Everything that settings are made of, as values.
package struct SettingSources: Sendable {
    /// A text file that was found.
    package struct File: Sendable {
        package var path: String
        package var text: String

        package init(path: String, text: String) {
            self.path = path
            self.text = text
        }
    }

    /// What the command line says.
    package var flags: [SettingKey: String]
    package var environment: [String: String]
    package var environmentFile: File?
    package var yaml: File?
    package var surroundings: Surroundings

    package init(
        flags: [SettingKey: String] = [:], environment: [String: String] = [:], environmentFile: File? = nil,
        yaml: File? = nil, surroundings: Surroundings
    ) {
        self.flags = flags
        self.environment = environment
        self.environmentFile = environmentFile
        self.yaml = yaml
        self.surroundings = surroundings
    }

    /// Reads the files of the data folder that flags and environment name, or that is found.
    ///
    /// - Throws: ``SettingProblem`` when a file is there but cannot be read, or is larger than 256 KiB.
    package static func gather(
        flags: [SettingKey: String], environment: [String: String], surroundings: Surroundings = .current()
    ) throws(SettingProblem) -> SettingSources {
        var sources = SettingSources(flags: flags, environment: environment, surroundings: surroundings)
        sources.surroundings.hasConfigFolder = isFolder(surroundings.currentDirectory + "/config")
        let folder = sources.dataDirectory
        sources.environmentFile = try read(folder + "/.env")
        sources.yaml = try read(folder + "/config/kith.yaml")
        return sources
    }

    /// The data folder: as set, else the current folder if it looks like a node's, else `~/.kith`.
    package var dataDirectory: String {
        if let text = flags[.dataDirectory] ?? environment["KITH_DATA_DIR"], !text.isEmpty {
            return surroundings.absolute(text, base: surroundings.currentDirectory)
        }
        return surroundings.hasConfigFolder
            ? surroundings.currentDirectory : surroundings.homeDirectory + "/.kith"
    }

    private static let largestFile = 262_144

    private static func isFolder(_ path: String) -> Bool {
        var isFolder = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder
    }

    private static func read(_ path: String) throws(SettingProblem) -> File? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do {
            return File(path: path, text: try BoundedFile.text(path, limit: largestFile))
        } catch {
            throw SettingProblem(path, at: .yaml(path: path, line: nil), .unreadable("\(error)"))
        }
    }
}
