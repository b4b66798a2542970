// SPDX-License-Identifier: Apache-2.0

package import KithCulture
import KithModel
package import Logging
import Synchronization

/// Lines as the seed's guide looks for them in `state/synth.log`: `grep social_companionship` finds what company came to.
package final class SynthLog: CompanionJournal {
    private let append: @Sendable (String) -> Void
    private let logger: Logger

    /// - Parameter append: Writes a line, without its end, to the file.
    package init(logger: Logger, append: @escaping @Sendable (String) -> Void) {
        self.logger = logger
        self.append = append
    }

    package func note(_ line: CompanionLine) {
        let level = line.isWarning ? "WARNING" : "INFO"
        append("\(WallTime.now().rfc3339) [\(level)] social_companionship: \(line)")
        logger.debug("company", metadata: ["line": "\(line)"])
    }
}
