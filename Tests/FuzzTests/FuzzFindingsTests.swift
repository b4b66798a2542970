// SPDX-License-Identifier: Apache-2.0

import Foundation
import FuzzDecoders
import KithTesting
import Testing

struct FuzzFindingsTests {
    private static let findings = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Fuzz/Findings").standardizedFileURL

    @Test(arguments: FuzzDecoder.all.map(\.name))
    func `What fuzzing once found, and what it begins with, is decoded or refused`(name: String) throws {
        let decoder = try #require(FuzzDecoder.all.first { $0.name == name })
        for seed in decoder.seeds { decoder.run(seed) }
        let folder = Self.findings.appending(path: name)
        guard FileManager.default.fileExists(atPath: folder.path) else { return }
        for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil) {
            decoder.run(Array(try Data(contentsOf: file)))
        }
    }

    @Test(arguments: FuzzDecoder.all.map(\.name))
    func `Spoilt inputs are decoded or refused by every decoder`(name: String) throws {
        let decoder = try #require(FuzzDecoder.all.first { $0.name == name })
        for seed in UInt64(1)...200 {
            var generator = SeededGenerator(seed: seed)
            let input = decoder.seeds[Int(seed) % decoder.seeds.count]
            decoder.run(Mutations.spoil(input, using: &generator))
        }
    }

    @Test func `Every folder of findings belongs to a decoder`() throws {
        let names = Set(FuzzDecoder.all.map(\.name))
        #expect(names.count == FuzzDecoder.all.count)
        for folder in try FileManager.default.contentsOfDirectory(atPath: Self.findings.path)
        where folder != "README.md" {
            #expect(names.contains(folder), "\(folder)")
        }
    }
}
