// SPDX-License-Identifier: Apache-2.0

import KithModel

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// All sources of settings, as values.
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

    /// The settings on the command line.
    package var flags: [SettingKey: String]
    package var environment: [String: String]
    package var environmentFile: File?
    package var yaml: File?
    package var surroundings: ProcessEnvironment

    package init(
        flags: [SettingKey: String] = [:], environment: [String: String] = [:], environmentFile: File? = nil,
        yaml: File? = nil, surroundings: ProcessEnvironment
    ) {
        self.flags = flags
        self.environment = environment
        self.environmentFile = environmentFile
        self.yaml = yaml
        self.surroundings = surroundings
    }

    /// Reads the files of the data folder, which flags or the environment name, or which is found.
    ///
    /// - Throws: ``SettingError`` when a file is there but cannot be read, or is larger than 256 KiB.
    package static func gather(
        flags: [SettingKey: String], environment: [String: String], surroundings: ProcessEnvironment = .current()
    ) throws(SettingError) -> SettingSources {
        var sources = SettingSources(flags: flags, environment: environment, surroundings: surroundings)
        sources.surroundings.nodeFolder = nodeFolder(surroundings.currentDirectory)
        let folder = sources.dataDirectory
        sources.environmentFile = try read(folder + "/.env")
        sources.yaml = try read(folder + "/config/kith.yaml")
        return sources
    }

    /// The data folder: as set, else the current folder if it is a node's, or the one above if the current folder is its
    /// `dashboard`, else `~/.kith`.
    package var dataDirectory: String { dataDirectories[0] }

    /// Where a running node is looked for: ``dataDirectory``, then `~/.kith` where nothing says which folder is meant.
    package var dataDirectories: [String] {
        if let text = flags[.dataDirectory] ?? environment["KITH_DATA_DIR"], !text.isEmpty {
            return [surroundings.absolute(text, base: surroundings.currentDirectory)]
        }
        let own = surroundings.homeDirectory + "/.kith"
        return surroundings.nodeFolder.map { [$0, own] } ?? [own]
    }

    private static let largestFile = 262_144

    /// The node's folder that a folder is, or is the `dashboard` of: the seeds' guide starts its instances from there.
    private static func nodeFolder(_ path: String) -> String? {
        if isNodeFolder(path) { return path }
        let end = "/dashboard"
        guard path.hasSuffix(end), path != end else { return nil }
        let above = String(path.dropLast(end.count))
        return isNodeFolder(above) ? above : nil
    }

    /// Whether a node was set up or has run in a folder. One that happens to have a folder `config`, as many projects do, is
    /// none.
    private static func isNodeFolder(_ path: String) -> Bool {
        ["config/kith.yaml", "config/peers.txt", "config/hosts.yaml", "state/identity"].contains {
            FileManager.default.fileExists(atPath: path + "/" + $0)
        }
    }

    private static func read(_ path: String) throws(SettingError) -> File? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        if let exposure = FolderExposure.ofFile(path) {
            throw SettingError(path, at: .yaml(path: path, line: nil), .unreadable(exposure.description))
        }
        do {
            return File(path: path, text: try BoundedFile.text(path, limit: largestFile))
        } catch {
            throw SettingError(path, at: .yaml(path: path, line: nil), .unreadable("\(error)"))
        }
    }
}

/// The surroundings of a process, as far as defaults depend on them.
package struct ProcessEnvironment: Sendable {
    package var currentDirectory: String
    package var homeDirectory: String
    package var hostName: String
    /// The folder of the node that the current folder belongs to, such as an instance of the seeds.
    package var nodeFolder: String?

    package init(
        currentDirectory: String, homeDirectory: String, hostName: String, nodeFolder: String? = nil
    ) {
        self.currentDirectory = currentDirectory
        self.homeDirectory = homeDirectory
        self.hostName = hostName
        self.nodeFolder = nodeFolder
    }

    package static func current() -> ProcessEnvironment {
        ProcessEnvironment(
            currentDirectory: FileManager.default.currentDirectoryPath, homeDirectory: home(), hostName: machineName())
    }

    /// As the environment says, as for any other program; else as the system knows the user.
    private static func home() -> String {
        if let home = ProcessInfo.processInfo.environment["HOME"], home.hasPrefix("/") { return home.trimmingSlash }
        return FileManager.default.homeDirectoryForCurrentUser.path(percentEncoded: false).trimmingSlash
    }

    /// The absolute form of a path that may begin with `~/` or be relative to the current folder.
    package func absolute(_ path: String) -> String { absolute(path, base: currentDirectory).trimmingSlash }

    /// The absolute form of a path that may begin with `~/` or be relative to `base`.
    func absolute(_ path: String, base: String) -> String {
        if path == "~" { return homeDirectory }
        if path.hasPrefix("~/") { return homeDirectory + path.dropFirst() }
        if path.hasPrefix("/") { return path }
        let rest = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
        return rest.isEmpty || rest == "." ? base : base.trimmingSlash + "/" + rest
    }

    /// Where the embedded engine is installed for all nodes of a user (XDG Base Directory Specification).
    func engineDirectory(environment: [String: String]) -> String {
        #if os(macOS)
            return homeDirectory + "/Library/Application Support/kith/engine"
        #else
            if let data = environment["XDG_DATA_HOME"], data.hasPrefix("/") { return data + "/kith/engine" }
            return homeDirectory + "/.local/share/kith/engine"
        #endif
    }

    /// The first label of the machine's name, which needs no resolver.
    private static func machineName() -> String {
        var bytes = [CChar](repeating: 0, count: 256)
        guard gethostname(&bytes, bytes.count - 1) == 0 else { return "node" }
        let name = bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return String(decoding: name.prefix { $0 != UInt8(ascii: ".") }, as: UTF8.self)
    }
}

extension String {
    fileprivate var trimmingSlash: String { count > 1 && hasSuffix("/") ? String(dropLast()) : self }
}
