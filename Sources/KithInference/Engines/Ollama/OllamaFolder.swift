// SPDX-License-Identifier: Apache-2.0

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where an Ollama of this machine keeps its models.
enum OllamaFolder {
    /// As Ollama itself chooses, and as its package for Linux does for its user; `nil` when none of them is there.
    static var onThisMachine: String? {
        let environment = ProcessInfo.processInfo.environment
        return places(environment).first { DiskSpace.free(at: $0) != nil }
    }

    /// - Parameter environment: Of this process; Ollama's own may differ.
    static func places(_ environment: [String: String]) -> [String] {
        if let set = environment["OLLAMA_MODELS"], set.hasPrefix("/") { return [set] }
        let home = environment["HOME"].flatMap { $0.hasPrefix("/") ? $0 + "/.ollama/models" : nil }
        return [home, "/usr/share/ollama/.ollama/models"].compactMap(\.self)
    }
}
