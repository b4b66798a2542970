// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What is to be bundled, and where the tools for it may be.
struct BundleOrder {
    let folder: URL
    let output: URL
    private(set) var programs: [String] = []
    private(set) var modules: [String] = []

    init(_ arguments: some Sequence<String>) throws(BundleError) {
        var words = Array(arguments)
        guard words.count >= 2, words.count.isMultiple(of: 2) else {
            throw BundleError("a folder and a file are needed, and a value after each flag")
        }
        folder = URL(filePath: words.removeFirst(), directoryHint: .isDirectory)
        output = URL(filePath: words.removeFirst())
        while let flag = words.first {
            switch flag {
            case "--esbuild": programs.append(words[1])
            case "--modules": modules.append(words[1])
            default: throw BundleError("there is no flag \(flag)")
            }
            words.removeFirst(2)
        }
    }
}

/// The system's programs and modules with which a page is bundled.
struct Tools {
    enum Search {
        case found(Tools)
        /// What is missing, and the packages that have it.
        case missing(String)
    }

    let esbuild: String
    let modules: String

    static func find(_ order: BundleOrder) -> Search {
        let files = FileManager.default
        guard let esbuild = order.programs.first(where: { files.isExecutableFile(atPath: $0) }) else {
            return .missing("esbuild (package esbuild of Debian and Homebrew)")
        }
        guard
            let modules = order.modules.first(where: { files.fileExists(atPath: $0 + "/d3-selection/package.json") })
        else { return .missing("D3 (package node-d3 of Debian; d3-selection and its like from npm elsewhere)") }
        return .found(Tools(esbuild: esbuild, modules: modules))
    }
}

/// Makes the files that a browser gets of those that people write.
struct Bundler {
    private static let bundled = ["main.js", "page.css"]
    private static let types = [
        "css": "text/css; charset=utf-8", "html": "text/html; charset=utf-8", "js": "text/javascript; charset=utf-8",
        "json": "application/json", "svg": "image/svg+xml", "txt": "text/plain; charset=utf-8",
        "webmanifest": "application/manifest+json",
    ]

    let folder: URL
    let tools: Tools

    /// - Returns: `index.html` first, in which the names of the others have become those under which they are served.
    func bundle() throws -> [BundledFile] {
        let made = FileManager.default.temporaryDirectory.appending(path: "kith-page-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: made) }  // nobody needs what is left there
        try runEsbuild(into: made)
        var index = try file("index.html", in: folder)
        var others = try Self.bundled.map { try file($0, in: made) }
        others += try staticNames().map { try file($0, in: folder) }
        for other in others {
            index.text = index.text.replacing("/page/\(other.name)\"", with: "/page/\(other.hashedName)\"")
        }
        return [index] + others
    }

    private func runEsbuild(into made: URL) throws {
        let process = Process()
        process.executableURL = URL(filePath: tools.esbuild)
        process.currentDirectoryURL = folder
        process.environment = ["NODE_PATH": tools.modules, "PATH": "/usr/bin:/bin"]
        process.arguments =
            Self.bundled + [
                "--bundle", "--minify", "--format=esm", "--target=es2022", "--charset=ascii", "--legal-comments=none",
                "--log-level=warning", "--external:/page/*", "--outdir=\(made.path(percentEncoded: false))",
            ]
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw BundleError("esbuild ended with an error") }
    }

    /// The files beside those that are bundled: pictures and texts.
    private func staticNames() throws -> [String] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path(percentEncoded: false))
        return names.sorted().filter { name in
            let ending = URL(filePath: name).pathExtension
            return !name.hasPrefix(".") && !["", "html", "js", "css", "md"].contains(ending)
        }
    }

    private func file(_ name: String, in folder: URL) throws -> BundledFile {
        guard let type = Self.types[URL(filePath: name).pathExtension] else {
            throw BundleError("\(name): files of this kind are not served")
        }
        let data = try Data(contentsOf: folder.appending(path: name))
        guard let text = String(validating: data, as: UTF8.self), !text.utf8.contains(where: Self.isUnwritable) else {
            throw BundleError("\(name) is not UTF-8 without control characters")
        }
        return BundledFile(name: name, type: type, text: text)
    }

    /// What a Swift literal does not hold as it is: all control characters but line feeds and tabs.
    private static func isUnwritable(_ byte: UInt8) -> Bool { byte < 0x20 && byte != 0x0A && byte != 0x09 }
}

/// Why a page was not bundled.
struct BundleError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
