// SPDX-License-Identifier: Apache-2.0

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import Subprocess

/// What a child process may know of this process's environment.
enum ChildEnvironment {
    /// Everything but secrets: a child needs paths, proxies and hardware settings, never keys.
    static func withoutSecrets(_ additions: [String: String] = [:]) -> Environment {
        let kept = ProcessInfo.processInfo.environment.filter { !isSecret($0.key) }
        return .custom(
            Dictionary(
                uniqueKeysWithValues: kept.merging(additions) { $1 }.compactMap { name, value in
                    Environment.Key(rawValue: name).map { ($0, value) }
                }))
    }

    static func isSecret(_ name: String) -> Bool {
        let name = name.uppercased()
        return ["KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL"].contains { name.contains($0) }
    }
}
