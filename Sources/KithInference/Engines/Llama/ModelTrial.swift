// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization
import SystemPackage

/// The model that an engine is started with to find out whether it can be: the shelf keeps the one before it until then, so that
/// whatever ends the trial, also the end of the node, leaves that one.
package final class ModelTrial: Sendable {
    private let shelf: ModelShelf
    private let tried = Mutex<Tried?>(nil)

    private struct Tried {
        /// `nil` for the engine's own.
        var model: ModelID?
    }

    package init(shelf: ModelShelf) {
        self.shelf = shelf
    }

    /// The model that the engine is to be started with, and its file; `nil` for the engine's own, also where the file has gone.
    var served: (model: ModelID, file: String)? {
        guard let tried = tried.withLock({ $0 }) else { return shelf.served }
        guard let model = tried.model, let file = shelf.file(of: model) else { return nil }
        return (model, file)
    }

    /// - Parameter model: `nil` for the engine's own.
    /// - Returns: Whether it has begun; only one is tried at a time.
    func begin(_ model: ModelID?) -> Bool {
        tried.withLock { tried in
            guard tried == nil else { return false }
            tried = Tried(model: model)
            return true
        }
    }

    /// Back to what the shelf says.
    func end() { tried.withLock { $0 = nil } }
}

/// What a GGUF file begins with.
enum GGUFMark {
    private static let bytes = Array("GGUF".utf8)

    /// - Throws: `ChatError` for a file that begins otherwise, or cannot be read.
    static func require(of file: String) throws(ChatError) {
        var found = [UInt8](repeating: 0, count: bytes.count)
        do {
            let descriptor = try FileDescriptor.open(FilePath(file), .readOnly, options: [.closeOnExec, .nonBlocking])
            let count = try descriptor.closeAfter { try found.withUnsafeMutableBytes { try descriptor.read(into: $0) } }
            guard count == bytes.count, found == bytes else {
                throw ChatError(.invalidRequest, "its file does not begin with GGUF: it is damaged, or something else")
            }
        } catch let refusal as ChatError {
            throw refusal
        } catch {
            throw ChatError(.engineError, "its file cannot be read: \(error)", cause: error)
        }
    }
}
