// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import KithModel
import SystemPackage
import Testing

@testable import KithInference

/// The folder of an Ollama that is made here.
@Suite struct OllamaLibraryTests {
    private let library: OllamaLibrary

    init() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kith-ollama-\(UUID())").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        library = OllamaLibrary(folder: FilePath(folder))
    }

    private func file(_ text: String) throws -> (path: String, digest: WeightsDigest) {
        let path = FileManager.default.temporaryDirectory.appending(path: "kith-part-\(UUID())").path
        try Data(text.utf8).write(to: URL(filePath: path))
        return (path, try #require(WeightsDigest(bytes: SHA256.hash(data: Data(text.utf8)))))
    }

    private func part(_ text: String, type: String) throws -> ArrivedWeights {
        let file = try file(text)
        return ArrivedWeights(path: file.path, type: type, digest: file.digest, bytes: text.utf8.count)
    }

    private func manifest(of digests: [WeightsDigest]) -> String {
        let layers = digests.map { #"{"mediaType":"application/vnd.ollama.image.model","digest":"\#($0)","size":1}"# }
        return #"{"schemaVersion":2,"config":\#(layers[0]),"layers":[\#(layers.joined(separator: ","))]}"#
    }

    @Test(
        "A name is the manifest that Ollama has under it",
        arguments: [
            ("llama3.2", "registry.ollama.ai/library/llama3.2/latest"),
            ("llama3.2:1b", "registry.ollama.ai/library/llama3.2/1b"),
            ("me/mine:v1", "registry.ollama.ai/me/mine/v1"),
            ("hf.co/owner/model-GGUF:Q4_K_M", "hf.co/owner/model-GGUF/Q4_K_M"),
        ])
    func names(name: String, path: String) {
        #expect(library.manifestPath(of: ModelID(name))?.string == library.folder.string + "/manifests/" + path)
    }

    @Test(
        "A name that would be another path is none",
        arguments: [
            "../../etc/passwd", "a/../b", "/etc/passwd", "a//b", "a/b/c/d", "a:b:c", ".a", "a/.b:c", "a:", "", "a b",
        ])
    func noNames(name: String) {
        #expect(library.manifestPath(of: ModelID(name)) == nil)
        #expect(throws: ChatError.self) { try library.weights(of: ModelID(name)) }
    }

    @Test("What is taken is found again, byte for byte, the manifest among it")
    func taken() throws {
        let weights = try part("GGUF", type: "model")
        let text = manifest(of: [weights.digest])
        let parts = [weights, try part(text, type: OllamaLibrary.manifestType)]
        let places = try library.take("m:1b", of: parts)
        #expect(Array(places.keys) == [weights.digest])
        #expect(library.has(weights.digest))
        let found = try library.weights(of: "m:1b")
        #expect(found.form == .ollama)
        #expect(found.files.map(\.digest) == [nil, weights.digest])
        #expect(FileManager.default.contents(atPath: found.files[0].path) == Data(text.utf8))
        #expect(parts.allSatisfy { !FileManager.default.fileExists(atPath: $0.path) })
    }

    @Test("Parts that are not those that the manifest names are not taken")
    func others() throws {
        let (weights, other) = (try part("GGUF", type: "model"), try part("other", type: "model"))
        let manifest = try part(manifest(of: [weights.digest]), type: OllamaLibrary.manifestType)
        #expect(throws: ChatError.self) { try library.take("m", of: [other, manifest]) }
        #expect(throws: ChatError.self) { try library.take("m", of: [manifest]) }
        #expect(throws: ChatError.self) { try library.take("m", of: [weights]) }
        #expect(!library.has(weights.digest))
    }

    @Test("A folder of another user is not written to, with the reason")
    func foreign() {
        var library = library
        library.user += 1
        #expect(library.takesNothingBecause?.contains("belongs to another user") == true)
        #expect(self.library.takesNothingBecause == nil)
        #expect(OllamaLibrary(folder: "/nonexistent").takesNothingBecause != nil)
    }
}
