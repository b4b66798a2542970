// SPDX-License-Identifier: Apache-2.0

/// Where the parts of the embedded engine lie in its directory.
struct EmbeddedLayout: Hashable, Sendable {
    var directory: String

    var environment: String { directory + "/venv" }
    var python: String { environment + "/bin/python" }
    /// Says how far the installation came; inside the environment, so that it goes with it.
    var record: String { environment + "/kith-install.json" }
    var lock: String { directory + "/install.lock" }
    var launcher: String { directory + "/launcher.py" }
    var serverGuard: String { directory + "/guard.sh" }
}
