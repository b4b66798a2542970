// SPDX-License-Identifier: Apache-2.0

import Foundation
import PackagePlugin

/// Compiles the YAML files of a target in, each as a text of `EmbeddedText` that has its name.
///
/// SwiftPM's own way makes an array of bytes, and 220 KB of those take the compiler two minutes.
@main
struct EmbedText: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        let all = FileManager.default.enumerator(at: target.directoryURL, includingPropertiesForKeys: nil)
        let texts = (all?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "yaml" }.sorted { $0.path < $1.path }
        let output = context.pluginWorkDirectoryURL.appending(path: "EmbeddedText.swift")
        return [
            .buildCommand(
                displayName: "Embedding \(texts.count) texts",
                executable: try context.tool(named: "TextEmbedder").url,
                arguments: [output.path(percentEncoded: false)] + texts.map { $0.path(percentEncoded: false) },
                inputFiles: texts, outputFiles: [output])
        ]
    }
}
