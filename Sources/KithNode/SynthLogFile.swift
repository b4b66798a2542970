// SPDX-License-Identifier: Apache-2.0

import KithInference
import Logging
import Synchronization

/// `state/synth.log`, the seed's name for what a node notes for people: plain lines, set aside when there are many.
final class SynthLogFile: Sendable {
    private let file: Mutex<RotatingLog?>
    private let path: String
    private let logger: Logger

    /// What cannot be written is said once, and nothing else depends on it.
    init(path: String, logger: Logger) {
        self.path = path
        self.logger = logger
        file = Mutex(nil)
    }

    /// Writes a line and its end.
    func append(_ line: String) {
        do {
            try file.withLock { file in
                if file == nil { file = try RotatingLog(path: path) }
                try Array((line + "\n").utf8).withUnsafeBytes { try file?.write($0) }
            }
        } catch {
            logger.warning("cannot write to the log of company", metadata: ["file": "\(path)", "reason": "\(error)"])
        }
    }
}
