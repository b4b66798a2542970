// SPDX-License-Identifier: Apache-2.0

import KithFiles
import KithModel
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The folder in which an Ollama of this machine keeps its models: `blobs` that are named by their SHA-256, and `manifests` that say
/// of which of them a model is made.
struct OllamaLibrary: Sendable {
    /// What the manifest itself is among the parts of a model: sent as it is, so that the model has the same digest everywhere.
    static let manifestType = "manifest"
    /// Bytes of a manifest; some thousand are usual.
    private static let manifestBytes = 256 << 10
    /// Where manifests are, the newest first; in `manifests` every version of Ollama finds them.
    private static let manifests = ["manifests-v2", "manifests"]
    private static let registry = "registry.ollama.ai"
    private static let partLimit = 63

    let folder: FilePath
    /// The user of this process.
    var user = geteuid()

    /// Why nothing can be put into it; `nil` where it can.
    var takesNothingBecause: String? {
        do {
            let status = try Stat(folder)
            guard status.type == .directory, status.userID.rawValue == user else {
                return "Ollama's folder \(folder) belongs to another user than the one of this node"
            }
            return access(folder.string, W_OK) == 0 ? nil : "Ollama's folder \(folder) cannot be written"
        } catch {
            return "Ollama's folder \(folder) cannot be looked at: \(error)"
        }
    }

    // MARK: Reading

    /// The manifest of a model, and the blobs that it names.
    ///
    /// - Throws: `ChatError`, which says what cannot be read.
    func weights(of model: ModelID) throws(ChatError) -> WeightsFiles {
        let paths = Self.manifests.compactMap { manifestPath(of: model, in: $0) }
        guard let path = paths.first(where: { access($0.string, F_OK) == 0 }) ?? paths.last else {
            throw ChatError(.unsupported, "its name is none that Ollama's folder could have")
        }
        let bytes: [UInt8]
        do {
            bytes = try RegularFile.read(path, limit: Self.manifestBytes)
        } catch {
            throw ChatError(.unsupported, "Ollama's file \(path) cannot be read by this node: \(error)", cause: error)
        }
        var files = [WeightsFile(path: path.string, type: Self.manifestType)]
        for part in try Self.parts(of: bytes) {
            let blob = self.blob(part.digest)
            guard access(blob.string, R_OK) == 0 else {
                throw ChatError(.unsupported, "Ollama's file \(blob) cannot be read by this node")
            }
            files.append(WeightsFile(path: blob.string, type: part.type, digest: part.digest))
        }
        return WeightsFiles(.ollama, files)
    }

    func has(_ digest: WeightsDigest) -> Bool { (try? Stat(blob(digest)))?.type == .regular }

    /// - Throws: `ChatError` with `invalidAnswer` for what is no manifest.
    private static func parts(of manifest: [UInt8]) throws(ChatError) -> [(digest: WeightsDigest, type: String)] {
        let damaged = ChatError(.invalidAnswer, "what Ollama says of the model's files is damaged")
        let value = try? JSONValue(parsing: manifest)
        guard value?["manifests"] == nil else {
            throw ChatError(.unsupported, "it is a list of variants for several machines, which is not copied")
        }
        guard let value, let layers = value["layers"]?.arrayValue,
            let config = value["config"], layers.count < partLimit
        else { throw damaged }
        var seen: Set<WeightsDigest> = []
        var parts: [(WeightsDigest, String)] = []
        for layer in [config] + layers {
            guard let text = layer["digest"]?.stringValue, let digest = WeightsDigest(text) else { throw damaged }
            if seen.insert(digest).inserted {
                parts.append((digest, HarmlessText(layer["mediaType"]?.stringValue ?? "", limit: 128).description))
            }
        }
        return parts
    }

    private func blob(_ digest: WeightsDigest) -> FilePath {
        folder.appending("blobs").appending("sha256-\(digest.digits)")
    }

    /// `[host/][namespace/]model[:tag]`, as Ollama reads it; `nil` for a name that would be another path than that of a manifest.
    func manifestPath(of model: ModelID, in manifests: String = "manifests") -> FilePath? {
        let name = model.rawValue
        guard ModelName.isPullable(name) else { return nil }
        var parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let last = parts.removeLast().split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard (1...2).contains(last.count), parts.count <= 2 else { return nil }
        if parts.isEmpty { parts = ["library"] }
        if parts.count == 1 { parts = [Self.registry] + parts }
        let components = parts + [last[0], last.count == 2 ? last[1] : "latest"]
        guard components.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") }) else { return nil }
        return components.reduce(folder.appending(manifests)) { $0.appending($1) }
    }

    // MARK: Writing

    /// Puts the blobs of a model where Ollama has them, and then its manifest, so that Ollama never sees a model of which something is
    /// missing.
    ///
    /// - Throws: `ChatError` for parts that are not what the manifest names.
    /// - Returns: Where the blobs are.
    func take(_ model: ModelID, of parts: [ArrivedWeights]) throws(ChatError) -> [WeightsDigest: String] {
        guard let path = manifestPath(of: model), let manifest = parts.first(where: { $0.type == Self.manifestType })
        else {
            throw ChatError(
                .unsupported, "its manifest has not come, or its name is none that Ollama's folder could have")
        }
        do {
            // A newer Ollama has its manifests among the blobs.
            let come = manifest.path.isEmpty ? blob(manifest.digest) : FilePath(manifest.path)
            let bytes = try RegularFile.read(come, limit: Self.manifestBytes)
            let named = Set(try Self.parts(of: bytes).map(\.digest))
            guard named == Set(parts.filter { $0.digest != manifest.digest }.map(\.digest)) else {
                throw ChatError(.invalidAnswer, "the files that came are not those that the model's manifest names")
            }
            var places: [WeightsDigest: String] = [:]
            try Self.makeFolder(folder.appending("blobs"))
            for part in parts where part.digest != manifest.digest && !part.path.isEmpty {
                let place = blob(part.digest)
                try Self.move(FilePath(part.path), to: place)
                places[part.digest] = place.string
            }
            try DurableFile.synchronise(folder.appending("blobs"))
            try Self.makeFolder(path.removingLastComponent())
            try Self.put(bytes, at: path, aside: folder.appending("coming-\(manifest.digest.digits.prefix(16))"))
            if !manifest.path.isEmpty { unlink(manifest.path) }
            return places
        } catch let failure as ChatError {
            throw failure
        } catch {
            throw ChatError(.engineError, "Ollama's folder cannot be written: \(error)", cause: error)
        }
    }

    /// Writes a manifest, and never in place of one that is there. Below `manifests` each file is a model to Ollama.
    private static func put(_ bytes: [UInt8], at path: FilePath, aside: FilePath) throws {
        guard (try? Stat(path)) == nil else {
            throw ChatError(.invalidRequest, "Ollama has a model of that name already")
        }
        try DurableFile.replace(aside, with: bytes, access: .everyoneReads)
        guard rename(aside.string, path.string) == 0 else { throw Errno(rawValue: errno) }
        try DurableFile.synchronise(path.removingLastComponent())
    }

    /// As Ollama makes them: everybody may look into them.
    private static func makeFolder(_ path: FilePath) throws(Errno) {
        if mkdir(path.string, 0o755) == 0 { return }
        switch Errno(rawValue: errno) {
        case .fileExists: return
        case .noSuchFileOrDirectory where path.removingLastComponent() != path:
            try makeFolder(path.removingLastComponent())
            if mkdir(path.string, 0o755) != 0, errno != EEXIST { throw Errno(rawValue: errno) }
        case let failure: throw failure
        }
    }

    /// Moves a file, also to another disk.
    private static func move(_ file: FilePath, to place: FilePath) throws {
        guard chmod(file.string, 0o644) == 0 else { throw Errno(rawValue: errno) }
        if rename(file.string, place.string) == 0 { return }
        guard errno == EXDEV else { throw Errno(rawValue: errno) }
        let beside = FilePath(place.string + "-kith")
        unlink(beside.string)
        let source = try FileDescriptor.open(file, .readOnly, options: .closeOnExec)
        try source.closeAfter {
            let target = try FileDescriptor.open(
                beside, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
            try target.closeAfter {
                var block = [UInt8](repeating: 0, count: 1 << 20)
                while true {
                    let count = try block.withUnsafeMutableBytes { try source.read(into: $0) }
                    if count == 0 { break }
                    try target.writeAll(block[..<count])
                }
                if fsync(target.rawValue) != 0 { throw Errno(rawValue: errno) }
            }
        }
        guard rename(beside.string, place.string) == 0 else { throw Errno(rawValue: errno) }
        unlink(file.string)
    }
}
