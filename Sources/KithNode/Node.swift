// SPDX-License-Identifier: Apache-2.0

package import Logging

/// One running node.
package struct Node: Sendable {
    private let settings: NodeSettings
    private let logger: Logger

    package init(settings: NodeSettings, logger: Logger) {
        self.settings = settings
        self.logger = logger
    }

    package func run() async throws {
        logger.notice("the node has nothing to serve yet", metadata: ["name": "\(settings.name)"])
    }
}
