// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithFiles
import KithInference
import KithModel
import Logging
import SystemPackage

/// Which engine the node chose by itself at its last start, and whose program that was, in `state/engine.json`: the owner is
/// told when another user's takes its place.
struct EngineMemory: Sendable {
    private static let sizeLimit = 4_096

    private struct Contents: Codable, Hashable {
        var engine: String
        var userID: UInt32?
        var user: String?
    }

    private let path: String
    private let logger: Logger

    init(stateDirectory: String, logger: Logger) {
        path = stateDirectory + "/engine.json"
        self.logger = logger
    }

    /// Compares the choice with the last one, says what has changed of its owner, and remembers it.
    func note(_ selection: EngineSelection) {
        let now = Contents(engine: "\(selection.engine)", userID: selection.owner?.userID, user: selection.owner?.name)
        let before = remembered()
        guard before != now else { return }
        if let before, before.engine == now.engine, let old = before.userID, let new = now.userID, old != new {
            logger.warning(
                "the engine belongs to another user than at the last start",
                metadata: ["before": "\(before.user ?? "\(old)")", "now": "\(now.user ?? "\(new)")"])
        }
        do {
            try DurableFile.replace(FilePath(path), with: try JSONBody.encode(now))
        } catch {
            logger.warning("the engine's owner is not remembered", metadata: ["reason": "\(error)"])
        }
    }

    /// - Returns: `nil` when nothing was, or nothing that can be read: then nothing is compared.
    private func remembered() -> Contents? {
        guard let bytes = try? BoundedFile.bytesIfPresent(path, limit: Self.sizeLimit) else { return nil }
        return try? JSONBody.decode(Contents.self, from: bytes)
    }
}
