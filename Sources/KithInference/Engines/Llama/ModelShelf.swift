// SPDX-License-Identifier: Apache-2.0

import KithFiles
import KithModel
import Synchronization
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The GGUF files that came to this node from other machines, and which of them is served in place of the engine's own.
package final class ModelShelf: Sendable {
    /// Files that are looked at; more are overlooked.
    private static let limit = 256
    private static let ending = ".gguf"

    private let folder: FilePath
    private let own: String
    private let chosen: Mutex<ModelID?>

    /// - Parameter own: The file that the settings name; empty for none. A choice that was made beside another one is void: what
    ///   the owner said last counts.
    init(folder: String, own: String) {
        self.folder = FilePath(folder)
        self.own = own
        let kept = try? RegularFile.read(self.folder.appending(Self.choice), limit: 16 << 10)
        let lines = kept.map {
            String(decoding: $0, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        }
        let isMeant = lines?.count == 2 && lines?[0].isEmpty == false && lines?[1] == own[...]
        chosen = Mutex(isMeant ? lines.map { ModelID(String($0[0])) } : nil)
    }

    /// The name of the file that keeps which one is served.
    private static let choice = "served"

    /// The model that is served, and its file; `nil` for the engine's own, also where the file has gone.
    var served: (model: ModelID, file: String)? {
        guard let model = chosen.withLock({ $0 }), let file = file(of: model) else { return nil }
        return (model, file)
    }

    /// All models, by their names.
    var models: [ModelID] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.string)) ?? []
        return names.filter { $0.hasSuffix(Self.ending) && $0.utf8.count > Self.ending.utf8.count }.sorted()
            .prefix(Self.limit).map { ModelID(String($0.dropLast(Self.ending.count))) }
    }

    /// The file of a model that is here; `nil` for one that is not.
    func file(of model: ModelID) -> String? {
        guard let path = path(of: model), (try? Stat(path))?.type == .regular else { return nil }
        return path.string
    }

    /// Has a model served from the next start of the engine on.
    ///
    /// - Parameter model: `nil` for the engine's own.
    /// - Throws: `Errno`.
    func choose(_ model: ModelID?) throws(Errno) {
        try PrivateDirectory.create(folder)
        try DurableFile.replace(folder.appending(Self.choice), with: Array("\(model?.rawValue ?? "")\n\(own)".utf8))
        chosen.withLock { $0 = model }
    }

    /// Moves a file that is on the same disk here.
    ///
    /// - Returns: Where it is now.
    /// - Throws: `ChatError` for a name that no file may have; `Errno`.
    func add(_ model: ModelID, from file: String) throws -> String {
        guard let path = path(of: model) else {
            throw ChatError(.invalidRequest, "a file cannot have the name \(model.rawValue.prefix(80))")
        }
        try PrivateDirectory.create(folder)
        // Never in place of one that is there, whatever lists or the disk's idea of capitals say.
        guard link(file, path.string) == 0 else { throw Errno(rawValue: errno) }
        unlink(file)
        try DurableFile.synchronise(folder)
        return path.string
    }

    /// - Throws: `Errno`.
    func remove(_ model: ModelID) throws(Errno) {
        guard let path = path(of: model) else { throw .noSuchFileOrDirectory }
        guard unlink(path.string) == 0 else { throw Errno(rawValue: errno) }
        if chosen.withLock({ $0 == model }) { try choose(nil) }
    }

    /// `nil` for a name that would be another path than that of a file in the folder.
    private func path(of model: ModelID) -> FilePath? {
        let name = model.rawValue
        guard ModelName.isPullable(name), !name.contains("/"), name.utf8.count + Self.ending.utf8.count <= 255 else {
            return nil
        }
        return folder.appending(name + Self.ending)
    }
}
