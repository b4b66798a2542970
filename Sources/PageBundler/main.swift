// SPDX-License-Identifier: Apache-2.0
//
// Called by the build plugin: PageBundler PAGE-FOLDER OUTPUT.swift [--esbuild PROGRAM]… [--modules FOLDER]…

import Foundation

do {
    let order = try BundleOrder(CommandLine.arguments.dropFirst())
    let files: [BundledFile]
    switch Tools.find(order) {
    case .found(let tools): files = try Bundler(folder: order.folder, tools: tools).bundle()
    case .missing(let what):
        print("warning: kith is built without its page: there is no \(what); scripts/install-deps installs it")
        files = []
    }
    try SwiftText.write(files, to: order.output)
} catch {
    print("error: the page cannot be bundled: \(error)")
    exit(1)
}
