// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithInference
import KithModel
import KithTransport
import Logging

/// Finds out before anything is started whether nodes would have an engine.
enum EngineCheck {
    private static let advice = "`kith engine install` puts one on this machine, and --engine names another"

    /// - Throws: ``CommandFailure`` when the settings ask for an engine that is not there.
    static func requirePresent(_ settings: EngineSettings) async throws {
        switch settings.choice {
        case .automatic:
            let factory = EngineFactory(settings: settings, client: UpstreamClient(), logger: Logger(label: "kith"))
            guard await factory.select().engine == .none else { return }
            throw CommandFailure(.failed, "no engine was found on this machine; \(advice)")
        case .fixed(.embedded):
            switch EmbeddedInstaller(directory: settings.embedded.directory).status() {
            case .installed: return
            case .missing: throw CommandFailure(.failed, "the embedded engine is not installed; \(advice)")
            case .broken(let reason):
                throw CommandFailure(.failed, "the embedded engine is broken: \(reason); \(advice)")
            }
        case .fixed, .none: return
        }
    }
}
