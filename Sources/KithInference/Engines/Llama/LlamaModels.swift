// SPDX-License-Identifier: Apache-2.0

import KithModel
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The one model of a llama.cpp that this node runs: the file that it was started with.
enum LlamaModels {
    static func store(of process: LlamaProcess) -> FixedModels {
        let file = process.command.modelFile
        let folder = file.map { FilePath($0).removingLastComponent().string }
        return FixedModels(
            ModelPlace(kind: .embedded, folder: folder), because: EngineKind.embedded.whyModelsAreFixed
        ) {
            guard let file, let attributes = try? FileManager.default.attributesOfItem(atPath: file) else { return [] }
            var model = KeptModel(id: process.command.model, residency: residency(process.state))
            model.bytes = attributes[.size] as? Int
            return [model]
        }
    }

    private static func residency(_ state: LlamaState) -> Residency {
        switch state {
        case .ready: .loaded
        case .loading: .loading
        case .down, .stopped: .onDisk
        }
    }
}
