// SPDX-License-Identifier: Apache-2.0

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How far an installation came, kept on disk after each step.
struct InstallRecord: Hashable, Sendable, Codable {
    var engine: PinnedPackage
    var model: PinnedPackage
    var done: [InstallStep] = []
    /// Set by the last step.
    var modelFile: String?

    static let fresh = InstallRecord(engine: EmbeddedRelease.engine, model: EmbeddedRelease.model)

    var isComplete: Bool { done.contains(.verify) && modelFile != nil }

    var isOfThisRelease: Bool { engine == EmbeddedRelease.engine && model == EmbeddedRelease.model }

    /// - Returns: `nil` when there is none, or what is there is not one.
    static func read(at path: String) -> InstallRecord? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        return try? JSONDecoder().decode(InstallRecord.self, from: data)  // a damaged record is no record
    }

    func write(to path: String) throws {
        try JSONEncoder().encode(self).write(to: URL(filePath: path), options: .atomic)
    }
}
