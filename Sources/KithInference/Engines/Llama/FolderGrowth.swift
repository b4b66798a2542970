// SPDX-License-Identifier: Apache-2.0

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How much some folders have grown since this was made.
struct FolderGrowth: Sendable {
    private let folders: [String]
    private let before: Int

    init(of folders: [String]) {
        self.folders = folders
        before = Self.size(of: folders)
    }

    /// In bytes; what is removed meanwhile counts against it, but never below zero.
    var bytes: Int { max(0, Self.size(of: folders) - before) }

    /// Files that come and go while this counts are missing, and no error.
    private static func size(of folders: [String]) -> Int {
        folders.reduce(0) { sum, folder in
            let files = try? FileManager.default.subpathsOfDirectory(atPath: folder)
            return (files ?? []).reduce(sum) { sum, file in
                let attributes = try? FileManager.default.attributesOfItem(atPath: folder + "/" + file)
                return sum
                    + (attributes?[.type] as? FileAttributeType == .typeRegular ? attributes?[.size] as? Int ?? 0 : 0)
            }
        }
    }
}
