// SPDX-License-Identifier: Apache-2.0

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The scripts that travel inside this executable.
enum EmbeddedResources {
    /// Writes both scripts, unless they are there already.
    static func write(to layout: EmbeddedLayout) throws {
        try write(PackageResources.launcher_py, to: layout.launcher)
        try write(PackageResources.guard_sh, to: layout.serverGuard)
    }

    /// Replaced in one step: another node may be starting the same script.
    private static func write(_ bytes: [UInt8], to path: String) throws {
        guard FileManager.default.contents(atPath: path) != Data(bytes) else { return }
        try Data(bytes).write(to: URL(filePath: path), options: .atomic)
    }
}
