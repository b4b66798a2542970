// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithFiles
import KithModel
import KithNode
import SystemPackage

/// The key that a program shows a node: the user's own for a node that is named, else one that is made for the program
/// and kept in the node's folder for its next start.
struct LaunchKey: Sendable {
    private static let sizeLimit = 1_024

    var node: NodeFlags
    var program: LaunchProgram

    /// - Parameter owner: The node, as its owner's commands speak to it.
    /// - Returns: `nil` when the node asks for no key.
    /// - Throws: `CommandError`.
    func key(asking owner: NodeClient) async throws -> Secret? {
        let folder = try node.ownFolder()
        let file = folder.map { FilePath($0).appending("state/launch").appending("\(program.name).key") }
        if let file, let kept = read(file), try await owner.asked(with: kept).isLetIn() { return kept }
        if try await owner.asked(with: nil).isLetIn() { return nil }
        guard let file else { return try ClientSettings(url: node.url, environment: Terminal.environment).key }
        return try await make(file, asking: owner)
    }

    /// A file that cannot be read is as good as none: a new key takes its place.
    private func read(_ file: FilePath) -> Secret? {
        guard let bytes = try? RegularFile.read(file, limit: Self.sizeLimit),
            let text = String(validating: bytes, as: UTF8.self)
        else { return nil }
        return Secret(String(text.prefix { !$0.isNewline }))
    }

    /// Ends the keys that the program had before, too: nobody knows them any more.
    private func make(_ file: FilePath, asking owner: NodeClient) async throws -> Secret {
        let name = "launch-\(program.name)"
        let old = try await owner.get(ControlMessage.Keys.self, "/api/keys").keys
        let made: ControlMessage.NewKey = try await owner.post(
            "/api/keys", ControlMessage.KeyRequest(name: name, scopes: [.chat]))
        do {
            try PrivateDirectory.create(file.removingLastComponent())
            try DurableFile.replace(file, with: Array(made.key.utf8))
        } catch {
            throw CommandError(.failed, "the key of \(program.title) cannot be kept in \(file): \(error)")
        }
        for key in old where key.name == name && key.state == .usable {
            let _: ControlMessage.Key = try await owner.delete("/api/keys/\(key.id)")
        }
        return Secret(made.key)
    }
}
