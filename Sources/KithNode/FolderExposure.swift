// SPDX-License-Identifier: Apache-2.0

import KithFiles
import SystemPackage

/// That other users of the machine could change what a node relies on, and what mends it.
package struct FolderExposure: Error, Hashable, Sendable, CustomStringConvertible {
    package let path: String
    /// What is wrong, after the path.
    package let reason: String
    /// A command.
    package let remedy: String

    package var description: String { "\(path) \(reason); run: \(remedy)" }

    private init?(_ path: FilePath, _ strictness: OwnedPath.Strictness, _ owners: Set<UInt32>) {
        // What cannot be looked at cannot be used either, and whoever uses it says why.
        guard let found = try? OwnedPath.exposure(of: path, strictness, owners: owners) else { return nil }
        self.path = path.string
        reason = found.description
        remedy = found.remedy(path)
    }

    /// The first thing of a data folder that others could change. A group may write where the owner keeps settings, and
    /// nobody where the node keeps its state.
    package static func ofDataFolder(_ folder: String) -> FolderExposure? {
        let folder = FilePath(folder)
        let state = folder.appending("state")
        let owners = OwnedPath.owners(of: folder)
        if let exposure = FolderExposure(folder, .group, owners) ?? FolderExposure(state, .ownerOnly, owners) {
            return exposure
        }
        return files.lazy.compactMap { FolderExposure(state.appending($0), .ownerOnly, owners) }.first
    }

    /// The same of a file with settings, and of the folder that it is in.
    static func ofFile(_ path: String) -> FolderExposure? {
        let path = FilePath(path)
        let folder = path.removingLastComponent()
        let owners = OwnedPath.owners(of: folder)
        return FolderExposure(folder, .group, owners) ?? FolderExposure(path, .group, owners)
    }

    private static let files = [
        "kith.sqlite", "kith.sqlite-wal", "kith.sqlite-shm", "kith.anchor", "control.json", "lock", "identity",
    ]
}
