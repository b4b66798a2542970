// SPDX-License-Identifier: Apache-2.0

import Foundation
import PackagePlugin

/// Bundles the page of a target with the system's esbuild and D3, and compiles it in as one Swift file.
@main
struct BundlePage: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        let page = target.directoryURL.appending(path: "Page", directoryHint: .isDirectory)
        let output = context.pluginWorkDirectoryURL.appending(path: "Page+bundled.swift")
        return [
            .buildCommand(
                displayName: "Bundling the page",
                executable: try context.tool(named: "PageBundler").url,
                arguments: [page.path(percentEncoded: false), output.path(percentEncoded: false)] + Places.arguments,
                inputFiles: files(in: page) + Places.watched,
                outputFiles: [output])
        ]
    }

    private func files(in folder: URL) -> [URL] {
        let all = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: [.isDirectoryKey])
        return (all?.compactMap { $0 as? URL } ?? []).sorted { $0.path < $1.path }
    }
}

/// Where the system may have esbuild and the modules of D3.
private enum Places {
    static let programs = ["/usr/bin/esbuild", "/usr/local/bin/esbuild", "/opt/homebrew/bin/esbuild"]
    static let modules = [
        "/usr/share/nodejs", "/usr/local/lib/node_modules", "/usr/lib/node_modules", "/opt/homebrew/lib/node_modules",
    ]

    static var arguments: [String] {
        programs.flatMap { ["--esbuild", $0] } + modules.flatMap { ["--modules", $0] }
    }

    /// What changes when they are installed, renewed or removed: themselves, or the folder in which they would be.
    static var watched: [URL] {
        let d3 = modules.map { $0 + "/d3-selection/package.json" }
        return Set((programs + d3).compactMap(nearest)).sorted().map { URL(filePath: $0) }
    }

    private static func nearest(_ path: String) -> String? {
        var url = URL(filePath: path)
        while !FileManager.default.fileExists(atPath: url.path) {
            url.deleteLastPathComponent()
            if url.path == "/" { return nil }
        }
        return url.path
    }
}
